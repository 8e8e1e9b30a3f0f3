"""Audit of the tables of a dataset: folds, indexes, predictions, metrics, cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from slidesieve.config.study import Dataset
from slidesieve.evaluation.tables import POOLED, metrics_table
from slidesieve.extraction.index import index_features
from slidesieve.splits.folds import check_folds, fold_columns
from slidesieve.store.tables import read_csv

# CSVs keep seven significant digits.
_TOLERANCE = 1e-5
_SUMMARY_VALUES = ("mean", "std", "pooled", "ci_low", "ci_high")


def sheet_table(dataset: Dataset) -> pd.DataFrame:
    """slide_id, patient_id, label of a dataset's slides."""
    rows = [(slide.slide_id, slide.patient_id, slide.label) for slide in dataset.slides]
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"])


def folds_problems(path: Path, dataset: Dataset) -> Iterator[str]:
    """Problems of folds.csv; leaks are raised by the check itself."""
    folds = read_csv(path)
    check_folds(folds, sheet_table(dataset), dataset.classes)
    n_columns = len(fold_columns(folds))
    if dataset.settings["folds"]["file"] is None and n_columns != dataset.fold_count:
        yield f"has {n_columns} folds, the config asks for {dataset.fold_count}"


def index_problems(path: Path, dataset: Dataset, files: Mapping[str, Path]) -> Iterator[str]:
    """Problems of a feature index, made anew from the files it lists."""
    stored = read_csv(path)
    fresh = index_features(dataset.slide_ids, files)
    if list(stored["slide_id"]) != dataset.slide_ids:
        yield "does not list the slides of the sheet"
        return
    for column in ("status", "n_tokens", "n_dropped", "fingerprint"):
        differs = (stored[column].astype(str) != fresh[column].astype(str)).to_numpy()
        for slide_id in stored.loc[differs, "slide_id"]:
            yield f"{column} of slide {slide_id} is not that of its features file"


def cohort_problems(path: Path, dataset: Dataset, indexes: list[pd.DataFrame]) -> Iterator[str]:
    """Problems of cohort.csv against the feature indexes."""
    cohort = read_csv(path, required=["slide_id", "status", "reason"])
    if list(cohort["slide_id"]) != dataset.slide_ids:
        yield "does not list the slides of the sheet"
        return
    usable = np.logical_and.reduce([(index["status"] == "ok").to_numpy() for index in indexes])
    for slide_id in cohort.loc[(cohort["status"] == "ok") != usable, "slide_id"]:
        yield f"status of slide {slide_id} is not that of its features"
    for slide_id in cohort.loc[(cohort["status"] != "ok") & (cohort["reason"] == ""), "slide_id"]:
        yield f"slide {slide_id} is not ok, without a reason"


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


def metrics_problems(
    path: Path, dataset: Dataset, predictions: Mapping[tuple[str, str], pd.DataFrame]
) -> Iterator[str]:
    """Problems of metrics.csv, computed anew from the predictions."""
    keys = ["encoder", "model", "level", "fold", "metric"]
    stored = read_csv(path, required=[*keys, "value"]).astype({"fold": str}).set_index(keys)
    fresh = metrics_table(predictions, dataset.classes).astype({"fold": str}).set_index(keys)
    if set(stored.index) != set(fresh.index):
        yield "does not have a row for every encoder, model, level, fold and metric"
        return
    values = stored["value"].reindex(fresh.index).to_numpy(dtype=float)
    wrong = ~np.isclose(values, fresh["value"], rtol=_TOLERANCE, atol=1e-9, equal_nan=True)
    for key in fresh.index[wrong]:
        yield f"{' '.join(key)} is not what the predictions give"


def summary_problems(path: Path, metrics: pd.DataFrame) -> Iterator[str]:
    """Problems of summary.csv against metrics.csv."""
    keys = ["encoder", "model", "level", "metric"]
    summary = read_csv(path, required=[*keys, *_SUMMARY_VALUES])
    is_pooled = metrics["fold"].astype(str) == POOLED
    fresh = {
        "mean": metrics[~is_pooled].groupby(keys)["value"].mean(),
        "pooled": metrics[is_pooled].set_index(keys)["value"],
    }
    for column, values in fresh.items():
        stored = summary.set_index(keys)[column].reindex(values.index)
        wrong = ~np.isclose(stored, values, rtol=_TOLERANCE, atol=1e-9, equal_nan=True)
        for key in values.index[wrong]:
            yield f"{column} of {' '.join(key)} is not that of metrics.csv"
    if (summary["ci_low"] > summary["ci_high"]).any():
        yield "holds an interval whose ends are swapped"


def cost_problems(path: Path) -> Iterator[str]:
    """Problems of cost.csv."""
    cost = read_csv(path, required=["tokens_in", "tokens_out", "gflops", "latency_ms_median"])
    if (cost["tokens_out"] > cost["tokens_in"]).any():
        yield "a model gives out more tokens than it takes in"
    measured = cost[["gflops", "peak_memory_mb", "latency_ms_median"]]
    if not np.isfinite(measured).all(axis=None) or (measured < 0).any(axis=None):
        yield "holds a measurement that is negative or not finite"
