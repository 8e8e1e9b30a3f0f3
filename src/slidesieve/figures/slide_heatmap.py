"""The attention of a model on slides, over the slides' own pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.cohort.slides import NO_LABEL
from slidesieve.figures.attention_overlay import AttentionMap, attention_overlay, top_tiles
from slidesieve.figures.attention_scale import AttentionScale
from slidesieve.figures.slide_view import view_slide
from slidesieve.store.features import FeatureSet
from slidesieve.store.tiles import known_spec_from_attributes

_N_TOP_TILES = 6
# Panels of 5.2 inches at 150 dpi have 780 px: lines stay sharp when the page is enlarged.
_LONGEST_SIDE_PX = 1000


def slides_to_show(cohort: pd.DataFrame, predictions: pd.DataFrame, per_class: int) -> pd.DataFrame:
    """Choose the first slides of each class that are usable and were predicted.

    Args:
        cohort: Rows of cohort.csv, in the order of the sheet.
        predictions: Of one model; of a slide with several rows that of the first fold counts.
        per_class: Slides per class, and of those without a label.

    Returns:
        The rows of `predictions` that were chosen, with the slide's `path`.
    """
    usable = cohort.loc[cohort["status"] == "ok", ["slide_id", "path"]]
    first = predictions.drop_duplicates("slide_id")
    found = usable.merge(first, on="slide_id")
    return found.groupby(found["label"].fillna(NO_LABEL), sort=False).head(per_class)


def prediction_words(row: pd.Series) -> str:
    """Say in a line the label of a slide, if it has one, and the prediction.

    Args:
        row: Of a predictions table: label, prediction, prob_<class>.
    """
    predicted = row["prediction"]
    said = f"predicted {predicted}, probability {row[f'prob_{predicted}']:.2f}"
    if pd.isna(row["label"]) or row["label"] == NO_LABEL:
        return said.capitalize()
    outcome = "right" if row["label"] == predicted else "wrong"
    return f"Label {row['label']}; {said}: {outcome}"


def write_slide_heatmap(
    out: Path,
    slide_path: Path,
    features: FeatureSet,
    attention: NDArray[np.floating],
    scale: AttentionScale,
    title: str,
    subtitle: str,
) -> None:
    """Draw overview, attention map and the most attended tiles of a usable slide.

    Args:
        out: Where to write, jpg, png, svg or pdf.
        slide_path: The slide.
        features: Its tokens, for their places.
        attention: (N,) weights, NaN for dropped tokens.
        scale: From attention to colour.
        title: Goes above the pictures.
        subtitle: Below the title.
    """
    spec = known_spec_from_attributes(features.tile_attributes, features.slide_id)
    best = top_tiles(attention, _N_TOP_TILES).tolist()
    view = view_slide(slide_path, spec, features.coords, best, _LONGEST_SIDE_PX)
    shown = AttentionMap(
        overview_rgb=view.overview.rgb,
        downsample=view.overview.downsample,
        coords=view.overview.from_corner(features.coords),
        size_level0=spec.size_level0,
        attention=attention,
        slide_mpp=spec.slide_mpp,
        top_tiles={row: view.tiles[row] for row in best},
    )
    attention_overlay(shown, scale, title, subtitle, out)
