"""The cohort table: one row per slide, with its scale, its tissue, its tiles and its outcome."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from slidesieve.store.tables import read_csv
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
    "warnings",
    "tissue_source",
    "tissue_params",
]


def slides_so_far(
    sheet_rows: Sequence[tuple[str, str, str, str]], tile_index: Sequence[str] = ()
) -> pd.DataFrame:
    """Return what is known of each slide before its features: tiles.csv, or else the sheet.

    Args:
        sheet_rows: slide_id, patient_id, label, path of each slide.
        tile_index: The file tiles.csv, or nothing where a dataset starts from features.
    """
    if tile_index:
        return read_csv(Path(tile_index[0]))
    return pd.DataFrame(sheet_rows, columns=COLUMNS[:4])


def tile_table(
    slides: pd.DataFrame, tiles: Sequence[Path], tissue: Sequence[TissueResult]
) -> pd.DataFrame:
    """Return the table of tiles.csv: every slide before it is encoded.

    Args:
        slides: slide_id, patient_id, label, path in the order of the sheet.
        tiles: Tiles file of each slide.
        tissue: Tissue of each slide.
    """
    facts = [
        _slide_facts(path)
        | {
            "tissue_source": "edited" if outline.edited else "segmented",
            "tissue_params": json.dumps(dict(outline.params)),
        }
        for path, outline in zip(tiles, tissue, strict=True)
    ]
    return slides.join(pd.DataFrame(facts)).reindex(columns=COLUMNS)


def cohort_table(slides: pd.DataFrame, indexes: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the table of cohort.csv: every slide, with its outcome by its features.

    A slide is ok only if it has tokens with every encoder; `n_tiles_dropped` counts the tiles
    that could not be decoded, the most with any encoder.

    Args:
        slides: The table of tiles.csv; for ready-made features, the rows of the sheet.
        indexes: Feature index of each encoder.
    """
    by_slide = [index.set_index("slide_id") for index in indexes]
    outcomes = pd.DataFrame(
        [_outcome([index.loc[slide_id] for index in by_slide]) for slide_id in slides["slide_id"]]
    )
    table = slides.reindex(columns=COLUMNS)
    if "n_tiles" in slides:
        outcomes = outcomes.drop(columns="n_tiles")
    return table.assign(**{str(name): column for name, column in outcomes.items()})


def _outcome(features: Sequence[pd.Series]) -> dict[str, object]:
    """Status, reason and counts by the features of one slide."""
    unusable = [row for row in features if row["status"] != "ok"]
    return {
        "status": unusable[0]["status"] if unusable else "ok",
        "reason": unusable[0]["reason"] if unusable else "",
        "n_tiles": features[0]["n_tokens"] + features[0]["n_dropped"],
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
        "warnings": tiles.warnings,
    }
