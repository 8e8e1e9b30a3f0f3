"""Tables computed anew from what they are made of, and compared cell by cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.audit.sheet_table import sheet_table
from slidesieve.cohort.table import cohort_table, tile_table
from slidesieve.config.study import Dataset
from slidesieve.evaluation.tables import metrics_table
from slidesieve.plan.params import cohort_rows
from slidesieve.splits.folds import folds_table, make_folds
from slidesieve.splits.own_folds import read_own_folds
from slidesieve.splits.settings import FoldSettings
from slidesieve.statistics.calibrated import calibration_table
from slidesieve.statistics.comparisons import comparisons_table, encoder_comparisons_table
from slidesieve.statistics.sites import site_table
from slidesieve.statistics.summary import summary_table
from slidesieve.store.tables import as_read_back, read_csv
from slidesieve.tissue.geojson import read_tissue
from slidesieve.training.fits_table import fits_table

# CSVs keep seven significant digits; another machine may round the last ones otherwise.
_RELATIVE, _ABSOLUTE = 1e-5, 1e-9
_MOST = 20

Predictions = Mapping[tuple[str, str], pd.DataFrame]


def differences(
    path: Path, fresh: pd.DataFrame, keys: list[str], source: str, ignored: Sequence[str] = ()
) -> Iterator[str]:
    """Yield where a table differs from the one made anew.

    Args:
        path: The table.
        fresh: Made anew, before it is written.
        keys: Columns that name a row.
        source: What it was made from, for the sentences.
        ignored: Columns that may differ.
    """
    stored, fresh = read_csv(path), as_read_back(fresh)
    stored = stored.drop(columns=[name for name in ignored if name in stored])
    if list(stored.columns) != list(fresh.columns):
        has, gives = (", ".join(map(str, table.columns)) for table in (stored, fresh))
        yield f"has the columns {has}; {source} give {gives}"
        return
    if len(stored) != len(fresh) or not stored[keys].astype(str).equals(fresh[keys].astype(str)):
        yield f"does not have the rows that {source} give (by {', '.join(keys)})"
        return
    found = []
    for column in fresh.columns.difference(keys, sort=False):
        wrong = ~_same(stored[column], fresh[column])
        for row in np.flatnonzero(wrong).tolist():
            name = " ".join(str(stored[key].iat[row]) for key in keys)
            found.append(
                f"{column} of {name} is {stored[column].iat[row]}, but {source} give "
                f"{fresh[column].iat[row]}"
            )
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST} more cells differ"


def _same(stored: pd.Series, fresh: pd.Series) -> NDArray[np.bool_]:
    a, b = (
        pd.to_numeric(column, errors="coerce").to_numpy(dtype=float) for column in (stored, fresh)
    )
    as_text = (stored.astype(str) == fresh.astype(str)).to_numpy(dtype=bool)
    blank = (stored.isna() & fresh.isna()).to_numpy(dtype=bool)
    return np.isclose(a, b, rtol=_RELATIVE, atol=_ABSOLUTE) | as_text | blank


def folds_differences(path: Path, dataset: Dataset) -> Iterator[str]:
    """Where folds.csv is not what is drawn, or read from the user's file."""
    settings, slides = dataset.settings["folds"], sheet_table(dataset)
    if settings["file"] is None:
        fresh = make_folds(slides, FoldSettings(**settings))
        yield from differences(path, fresh, ["slide_id"], "the drawn folds")
    else:
        fresh = folds_table(read_own_folds(Path(settings["file"]), dataset.slide_ids), slides)
        yield from differences(path, fresh, ["slide_id"], "the user's folds")


def tiles_differences(
    path: Path, dataset: Dataset, tiles: Sequence[Path], tissue: Sequence[Path]
) -> Iterator[str]:
    """Where tiles.csv is not what the files of tiles and tissue say."""
    slides = pd.DataFrame(cohort_rows(dataset), columns=["slide_id", "patient_id", "label", "path"])
    fresh = tile_table(slides, tiles, [read_tissue(outline) for outline in tissue])
    yield from differences(path, fresh, ["slide_id"], "the files of tiles and tissue")


def cohort_differences(
    path: Path, slides: pd.DataFrame, indexes: Sequence[pd.DataFrame]
) -> Iterator[str]:
    """Where cohort.csv is not what tiles.csv and the feature indexes say."""
    fresh = cohort_table(slides, indexes)
    yield from differences(path, fresh, ["slide_id"], "tiles and features")


def predictions_differences(path: Path, folds: Sequence[Path]) -> Iterator[str]:
    """Where a table of out-of-fold predictions is not that of its folds."""
    fresh = pd.concat([read_csv(fold) for fold in folds], ignore_index=True)
    yield from differences(path, fresh, ["slide_id", "fold"], "the predictions of the folds")


def metrics_differences(
    path: Path, predictions: Predictions, classes: Sequence[str]
) -> Iterator[str]:
    """Where metrics.csv is not what the predictions give."""
    fresh = metrics_table(predictions, classes)
    keys = ["encoder", "model", "level", "fold", "metric"]
    yield from differences(path, fresh, keys, "the predictions")


def summary_differences(
    path: Path, predictions: Predictions, classes: Sequence[str], evaluation: Mapping
) -> Iterator[str]:
    """Where summary.csv is not what the predictions give, intervals included."""
    fresh = summary_table(predictions, classes, evaluation["bootstrap"], evaluation["seed"])
    yield from differences(path, fresh, ["encoder", "model", "level", "metric"], "the predictions")


def comparisons_differences(
    path: Path,
    predictions: Predictions,
    reference: str,
    classes: Sequence[str],
    evaluation: Mapping,
) -> Iterator[str]:
    """Where comparisons.csv is not what the predictions give."""
    fresh = comparisons_table(
        predictions, reference, classes, evaluation["bootstrap"], evaluation["seed"]
    )
    keys = ["encoder", "level", "model_a", "model_b", "test", "metric"]
    yield from differences(path, fresh, keys, "the predictions")


def encoder_comparisons_differences(
    path: Path, predictions: Predictions, classes: Sequence[str], evaluation: Mapping
) -> Iterator[str]:
    """Where encoder_comparisons.csv is not what the predictions give."""
    draws = {"resamples": evaluation["bootstrap"], "seed": evaluation["seed"]}
    fresh = encoder_comparisons_table(predictions, classes, **draws)
    keys = ["model", "level", "encoder_a", "encoder_b", "test", "metric"]
    yield from differences(path, fresh, keys, "the predictions")


def sites_differences(
    path: Path,
    predictions: Predictions,
    site_of: Mapping[str, str],
    classes: Sequence[str],
    evaluation: Mapping,
) -> Iterator[str]:
    """Where sites.csv is not what the predictions give."""
    draws = {"resamples": evaluation["bootstrap"], "seed": evaluation["seed"]}
    fresh = site_table(predictions, site_of, classes, **draws)
    keys = ["encoder", "model", "site", "metric"]
    yield from differences(path, fresh, keys, "the predictions")


def fits_differences(
    path: Path,
    folders: Mapping[tuple[str, str], Sequence[Path]],
    audits: Mapping[tuple[str, str], pd.DataFrame],
) -> Iterator[str]:
    """Where fits.csv is not what the fitted models say; arguments are those of `fits_table`."""
    fresh = fits_table(folders, audits)
    yield from differences(path, fresh, ["encoder", "model", "fold"], "the fitted models")


def calibration_differences(
    path: Path,
    predictions: Predictions,
    validation: Mapping[tuple[str, str], Mapping[int, pd.DataFrame]],
    classes: Sequence[str],
    evaluation: Mapping,
) -> Iterator[str]:
    """Where calibration.csv is not what the predictions of test and validation parts give."""
    fresh = calibration_table(
        predictions, validation, classes, evaluation["bootstrap"], evaluation["seed"]
    )
    keys = ["encoder", "model", "level", "method", "metric"]
    yield from differences(path, fresh, keys, "the predictions")
