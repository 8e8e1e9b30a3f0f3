"""Audit of the tables of a dataset: folds, indexes, predictions, metrics, cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from slidesieve.audit.recomputed import differences
from slidesieve.audit.sheet_table import sheet_table
from slidesieve.cohort.repeats import find_repeats
from slidesieve.config.study import Dataset
from slidesieve.extraction.index import header_of_ready, index_features
from slidesieve.splits.folds import check_folds, fold_columns
from slidesieve.store.features import read_feature_header
from slidesieve.store.tables import read_csv

# CSVs keep seven significant digits.
_TOLERANCE = 1e-5


def folds_problems(path: Path, dataset: Dataset) -> Iterator[str]:
    """Problems of folds.csv; leaks are raised by the check itself."""
    folds = read_csv(path)
    check_folds(folds, sheet_table(dataset), dataset.classes)
    n_columns = len(fold_columns(folds))
    if dataset.settings["folds"]["file"] is None and n_columns != dataset.fold_count:
        yield f"has {n_columns} folds, the config asks for {dataset.fold_count}"


def index_problems(path: Path, dataset: Dataset, files: Mapping[str, Path]) -> Iterator[str]:
    """Problems of a feature index, made anew from the files it lists; slides that are alike."""
    # Ready-made files are read whole for it: once each.
    header_of = cache(header_of_ready if dataset.features_dir else read_feature_header)
    fresh = index_features(dataset.slide_ids, files, header_of)
    yield from differences(
        path, fresh.drop(columns="path"), ["slide_id"], "the features files", ignored=["path"]
    )
    slides = sheet_table(dataset)
    features = dict(zip(fresh["slide_id"], fresh["features_sha256"], strict=True))
    yield from find_repeats(slides, features, "features files")[0]
    read = {slide_id: header_of(file).slide_sha256 for slide_id, file in files.items()}
    yield from find_repeats(slides, read, "slide files")[0]


def predictions_problems(
    path: Path, dataset: Dataset, folds: pd.DataFrame, index: pd.DataFrame
) -> Iterator[str]:
    """Problems of a predictions table against the folds and the slides that have tokens."""
    table = read_csv(path, required=["slide_id", "patient_id", "fold", "label", "prediction"])
    columns = [f"prob_{name}" for name in dataset.classes]
    missing = [name for name in columns if name not in table.columns]
    if missing:
        yield f"column {', '.join(missing)} is missing"
        return
    probabilities = table[columns].to_numpy(dtype=float)
    if not np.isfinite(probabilities).all():
        yield "holds probabilities that are not finite"
        return
    if np.abs(probabilities.sum(axis=1) - 1).max(initial=0) > _TOLERANCE:
        yield "holds probabilities that do not sum to 1"
    likeliest = probabilities.max(axis=1)
    predicted = table["prediction"].map({name: i for i, name in enumerate(dataset.classes)})
    if predicted.isna().any():
        yield "predicts classes that the config does not have"
    elif (probabilities[np.arange(len(table)), predicted.astype(int)] < likeliest).any():
        yield "holds predictions that are not the likeliest class"
    yield from _membership_problems(table, folds, index)


def _membership_problems(
    table: pd.DataFrame, folds: pd.DataFrame, index: pd.DataFrame
) -> Iterator[str]:
    usable = set(index.loc[index["status"] == "ok", "slide_id"])
    expected = {
        (row.slide_id, int(name.removeprefix("fold_")))
        for name in fold_columns(folds)
        for row in folds.itertuples()
        if getattr(row, name) == "test" and row.slide_id in usable
    }
    found = list(zip(table["slide_id"], table["fold"].astype(int), strict=True))
    if len(set(found)) != len(found):
        yield f"{len(found) - len(set(found))} rows repeat a slide within a fold"
    for slide_id, fold in sorted(expected - set(found)):
        yield f"slide {slide_id} is tested in fold {fold} but not predicted"
    for slide_id, fold in sorted(set(found) - expected):
        yield f"slide {slide_id} is predicted in fold {fold}, which does not test it"
    truth = folds.set_index("slide_id")
    for column in ("patient_id", "label"):
        differs = table[column].to_numpy() != truth[column].reindex(table["slide_id"]).to_numpy()
        for slide_id in table.loc[differs, "slide_id"]:
            yield f"{column} of slide {slide_id} is not that of folds.csv"


def cost_problems(path: Path) -> Iterator[str]:
    """Problems of cost.csv."""
    costs = ["gflops", "peak_memory_mb", "latency_ms_median", "training_s_per_epoch"]
    cost = read_csv(path, required=["tokens_in", "tokens_out", *costs])
    if (cost["tokens_out"] > cost["tokens_in"]).any():
        yield "a model gives out more tokens than it takes in"
    measured = cost[costs]
    if not np.isfinite(measured).all(axis=None) or (measured < 0).any(axis=None):
        yield "holds a measurement that is negative or not finite"
