"""Tables of every model on every encoder."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

import pandas as pd

from slidesieve.audit.findings import PathOf
from slidesieve.config.study import Dataset, Study
from slidesieve.store.tables import read_csv

Pair = tuple[str, str]
"""An encoder and a model."""


def model_pairs(study: Study, dataset: Dataset, models: Iterable[str]) -> list[Pair]:
    """(encoder, model) of a dataset, for some models."""
    return list(product(study.encoders_of(dataset.name), models))


def read_per_pair(pattern: str, pairs: Iterable[Pair], at: PathOf) -> dict[Pair, pd.DataFrame]:
    """Read a table per (encoder, model).

    Args:
        pattern: Of the file's path, see `plan.layout`.
        pairs: Which.
        at: Gives a file of the dataset.
    """
    return {
        (encoder, model): read_csv(at(pattern, encoder=encoder, model=model))
        for encoder, model in pairs
    }
