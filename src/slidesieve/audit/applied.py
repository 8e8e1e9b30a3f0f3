"""Audit of a dataset whose models come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path

import numpy as np
from pandas.api.types import is_numeric_dtype

from slidesieve.audit.findings import Finding, PathOf, examine
from slidesieve.audit.pairs import Pair, model_pairs
from slidesieve.audit.recomputed import differences
from slidesieve.config.study import Dataset, Study
from slidesieve.inference.ensemble import ensemble_table
from slidesieve.inference.external_tables import ExternalFiles, ExternalTables, external_tables
from slidesieve.models.bundle import METRICS_FILE
from slidesieve.plan import layout
from slidesieve.plan.model_files import source_dataset
from slidesieve.store.tables import as_read_back, read_csv

_TABLES = {
    "metrics": (layout.METRICS, ["encoder", "model", "level", "fold", "metric"]),
    "summary": (layout.SUMMARY, ["encoder", "model", "level", "metric"]),
    "comparisons": (
        layout.COMPARISONS,
        ["encoder", "level", "model_a", "model_b", "test", "metric"],
    ),
    "external": (layout.EXTERNAL, ["encoder", "model", "level", "metric"]),
}


def audit_applied(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Audit predictions of fits and ensembles and, where there are labels, the tables of them.

    Args:
        study: The config.
        dataset: The dataset.
        at: Gives a file of the dataset.
    """
    for encoder in study.encoders_of(dataset.name):
        for model in study.models_of(dataset.name):
            at_model = partial(at, encoder=encoder, model=model)
            path = at_model(layout.PREDICTIONS)
            yield from examine(path, partial(_problems, path, dataset, at_model))
    if dataset.is_labelled:
        yield from _audit_tables(study, dataset, at)


def _audit_tables(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Make the tables of an external cohort anew, once, and compare each."""

    @cache
    def fresh() -> ExternalTables:
        files = _files(study, dataset, at)
        reference = study.reference_model_of(dataset.name)
        return external_tables(files, dataset.classes, reference, study.evaluation)

    for name, (pattern, keys) in _TABLES.items():
        path = at(pattern)

        def problems(name: str = name, path: Path = path, keys: list[str] = keys) -> Iterator[str]:
            return differences(path, getattr(fresh(), name), keys, "the predictions")

        yield from examine(path, problems)


def _files(study: Study, dataset: Dataset, at: PathOf) -> ExternalFiles:
    pairs = model_pairs(study, dataset, study.models_of(dataset.name))
    source = dataset.models_from
    if source is not None and source.folder is not None:
        internal = [source.folder / METRICS_FILE]
    else:
        own_cohort = partial(at, dataset=source_dataset(dataset))
        internal = _of_pairs(layout.PREDICTIONS, pairs, own_cohort)
    return ExternalFiles(
        pairs,
        _of_pairs(layout.PREDICTIONS, pairs, at),
        _of_pairs(layout.PREDICTIONS_BY_FIT, pairs, at),
        internal,
    )


def _of_pairs(pattern: str, pairs: Sequence[Pair], at: PathOf) -> list[Path]:
    return [at(pattern, encoder=encoder, model=model) for encoder, model in pairs]


def _problems(path: Path, dataset: Dataset, at: PathOf) -> Iterator[str]:
    by_fit = read_csv(at(layout.PREDICTIONS_BY_FIT))
    index = read_csv(at(layout.FEATURE_INDEX))
    usable = index.loc[index["status"] == "ok", "slide_id"]
    for slide_id in sorted(set(usable) ^ set(by_fit["slide_id"])):
        yield f"slide {slide_id} is usable and not predicted, or the other way round"
    repeats = by_fit.duplicated(["slide_id", "fit"])
    for slide_id in by_fit.loc[repeats, "slide_id"]:
        yield f"slide {slide_id} is predicted twice by one fit"
    stored = read_csv(path)
    fresh = as_read_back(ensemble_table(by_fit, dataset.classes))
    if stored["slide_id"].tolist() != fresh["slide_id"].tolist():
        yield "its slides are not those of by_fit.csv"
        return
    for column in fresh.columns:
        same = (
            np.isclose(stored[column], fresh[column], atol=1e-6, equal_nan=True)
            if is_numeric_dtype(fresh[column])
            else stored[column].to_numpy() == fresh[column].to_numpy()
        )
        for slide_id in stored.loc[~same, "slide_id"]:
            yield f"{column} of slide {slide_id} does not follow from by_fit.csv"
