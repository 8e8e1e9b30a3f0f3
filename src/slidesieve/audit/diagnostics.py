"""Audit of the audits of learned selectors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from slidesieve.config.study import Dataset
from slidesieve.store.tables import read_csv

# Batches of other slides give other rounding in float32.
_TOLERANCE = 1e-4


def selector_problems(path: Path, dataset: Dataset, predictions: pd.DataFrame) -> Iterator[str]:
    """Problems of a selector's predictions.csv: its hard path is the model in use.

    Args:
        path: Predictions along each path.
        dataset: Whose slides they are.
        predictions: The model's out-of-fold predictions.
    """
    columns = [f"prob_{name}" for name in dataset.classes]
    table = read_csv(path, required=["path", "draw", "slide_id", "fold", *columns])
    keys = ["slide_id", "fold"]
    hard = table[table["path"] == "hard"].set_index(keys)[columns]
    in_use = predictions.set_index(keys)[columns]
    if set(hard.index) != set(in_use.index):
        yield "does not hold the slides that the model predicts"
        return
    same = np.isclose(hard.reindex(in_use.index), in_use, atol=_TOLERANCE)
    differs = np.asarray(~same.all(axis=1))
    for slide_id, _ in in_use.index[differs]:
        yield f"the hard path of slide {slide_id} is not what the model predicts"
