"""The cohort table: one row per slide, with its scale, its tissue, its tiles and its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from slidesieve.store.tiles import read_tiles
from slidesieve.tissue.result import TissueResult

COLUMNS = [
    "slide_id",
    "patient_id",
    "label",
    "path",
    "vendor",
    "width",
    "height",
    "mpp",
    "mpp_source",
    "level_count",
    "tissue_area_mm2",
    "n_contours",
    "n_tiles",
    "n_tiles_dropped",
    "status",
    "reason",
    "tissue_source",
    "tissue_params",
]


def cohort_table(
    slides: pd.DataFrame,
    tiles: Mapping[str, Path],
    indexes: Sequence[pd.DataFrame],
    tissue: Mapping[str, TissueResult],
) -> pd.DataFrame:
    """Return the table of cohort.csv.

    A slide is ok only if it has tokens with every encoder; `n_tiles_dropped` counts the tiles
    that could not be decoded, the most with any encoder.

    Args:
        slides: slide_id, patient_id, label, path in the order of the sheet.
        tiles: Tiles file of each slide; empty for ready-made features.
        indexes: Feature index of each encoder; none before slides are encoded.
        tissue: Tissue of each slide; empty for ready-made features.
    """
    by_slide = [index.set_index("slide_id") for index in indexes]
    rows = []
    for slide in slides.to_dict("records"):
        row: dict[str, Any] = {str(key): value for key, value in slide.items()}
        slide_id = row["slide_id"]
        if slide_id in tiles:
            outline = tissue[slide_id]
            row |= _slide_facts(tiles[slide_id]) | {
                "tissue_source": "edited" if outline.edited else "segmented",
                "tissue_params": json.dumps(dict(outline.params)),
            }
        row |= _outcome([index.loc[slide_id] for index in by_slide])
        rows.append({"n_tiles": row.pop("n_tokens", 0)} | row)
    return pd.DataFrame(rows).reindex(columns=COLUMNS)


def _outcome(features: Sequence[pd.Series]) -> dict[str, object]:
    """Status, reason and counts by the features of one slide; empty before it is encoded."""
    if not features:
        return {}
    unusable = [row for row in features if row["status"] != "ok"]
    return {
        "status": unusable[0]["status"] if unusable else "ok",
        "reason": unusable[0]["reason"] if unusable else "",
        "n_tokens": features[0]["n_tokens"] + features[0]["n_dropped"],
        "n_tiles_dropped": max(row["n_dropped"] for row in features),
    }


def _slide_facts(path: Path) -> dict[str, object]:
    tiles = read_tiles(path)
    return {
        "vendor": tiles.vendor,
        "width": tiles.width,
        "height": tiles.height,
        "mpp": tiles.spec.slide_mpp if tiles.spec else None,
        "mpp_source": tiles.mpp_source,
        "level_count": tiles.level_count,
        "tissue_area_mm2": tiles.tissue_area_mm2,
        "n_contours": tiles.n_contours,
        "n_tiles": len(tiles.coords),
        "status": tiles.status,
        "reason": tiles.reason,
    }
