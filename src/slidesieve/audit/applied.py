"""Audit of the predictions of a dataset whose models come from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from pandas.api.types import is_numeric_dtype

from slidesieve.audit.findings import Finding, PathOf, examine
from slidesieve.config.study import Dataset, Study
from slidesieve.inference.ensemble import ensemble_table
from slidesieve.plan import layout
from slidesieve.store.tables import as_read_back, read_csv


def audit_applied(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Audit the predictions of each fit, and whether the ensemble's are their means.

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
