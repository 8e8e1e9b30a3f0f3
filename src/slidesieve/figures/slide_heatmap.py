"""The attention of a model on one slide, over the slide's own picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError, TileReadError
from slidesieve.figures.heatmap import attention_overlay, top_tiles
from slidesieve.figures.notice import notice_figure
from slidesieve.slide.base import SlideReader
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview
from slidesieve.store.features import FeatureSet
from slidesieve.store.tiles import spec_from_attributes
from slidesieve.tiling.spec import TileSpec, read_tile

_OVERVIEW_MPP = 8.0
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
    spec = spec_from_attributes(features.tile_attributes)
    with open_slide(slide_path) as reader:
        overview = read_overview(reader, spec.slide_mpp, _OVERVIEW_MPP)
        tiles = _read_tiles(reader, spec, features.coords[top_tiles(attention, _N_TOP_TILES)])
    attention_overlay(
        overview.rgb,
        overview.downsample,
        features.coords,
        spec.size_level0,
        attention,
        spec.slide_mpp,
        title,
        out,
        tiles,
    )


def _read_tiles(
    reader: SlideReader, spec: TileSpec, coords: NDArray[np.int64]
) -> list[NDArray[np.uint8]]:
    try:
        return [read_tile(reader, spec, x, y) for x, y in coords]
    except TileReadError as error:  # they could be read when they were encoded
        raise SlideError(f"a tile that has features cannot be read any more: {error}") from error
