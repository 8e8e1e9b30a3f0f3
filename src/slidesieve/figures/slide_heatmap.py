"""The attention of a model on one slide, over the slide's own picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.figures.attention_overlay import attention_overlay, top_tiles
from slidesieve.figures.notice import notice_figure
from slidesieve.figures.slide_view import view_slide
from slidesieve.store.features import FeatureSet
from slidesieve.store.tiles import known_spec_from_attributes

_N_TOP_TILES = 6


def write_slide_heatmap(
    out: Path,
    slide_path: Path,
    features: FeatureSet,
    attention: NDArray[np.floating],
    title: str,
) -> None:
    """Draw overview, attention map and the most attended tiles; of an unusable slide, its reason.

    Args:
        out: Where to write, png, svg or pdf.
        slide_path: The slide.
        features: Its tokens, for their places.
        attention: (N,) weights, NaN for dropped tokens.
        title: Goes above the pictures.
    """
    if features.status != "ok":
        notice_figure(f"{features.status}: {features.reason}", title, out)
        return
    spec = known_spec_from_attributes(features.tile_attributes, features.slide_id)
    best = top_tiles(attention, _N_TOP_TILES).tolist()
    view = view_slide(slide_path, spec, features.coords, best)
    attention_overlay(
        view.overview.rgb,
        view.overview.downsample,
        view.overview.from_corner(features.coords),
        spec.size_level0,
        attention,
        spec.slide_mpp,
        title,
        out,
        [view.tiles[row] for row in best],
    )
