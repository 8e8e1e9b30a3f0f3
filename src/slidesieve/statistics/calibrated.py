"""calibration.csv: metrics as they are, and after calibration on the validation parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from slidesieve.evaluation.calibration import Calibration, calibrations, shifted, tempered
from slidesieve.evaluation.metrics import metric_values
from slidesieve.evaluation.outcomes import outcomes_by_level
from slidesieve.statistics.bootstrap import bootstrap_metrics, percentile_interval

Change = Callable[[pd.DataFrame, Sequence[str], Calibration], pd.DataFrame]

# Which way of calibrating each metric is asked about.
METHODS: dict[str, tuple[Change, tuple[str, ...]]] = {
    "temperature": (tempered, ("ece", "log_loss", "brier")),
    "thresholds": (shifted, ("balanced_accuracy", "accuracy", "f1_macro")),
}
_VALUE = ("value", "ci_low", "ci_high")
COLUMNS = [
    *("encoder", "model", "level", "method", "metric"),
    *_VALUE,
    *(f"calibrated_{name}" for name in _VALUE),
    *(f"difference_{name}" for name in _VALUE),
    "n",
]


def calibration_table(
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    validation: Mapping[tuple[str, str], Mapping[int, pd.DataFrame]],
    classes: Sequence[str],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of calibration.csv, a row per encoder, model, level, method and metric.

    Metrics are of the pooled out-of-fold predictions, with 95 % intervals of the patient bootstrap;
    the difference, calibrated minus not, is taken on the same resamples. Folds whose
    validation part lacks a class stay as they are.

    Args:
        predictions: (encoder, model) to its out-of-fold predictions table.
        validation: (encoder, model) to the predictions of each fold's validation part.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.
    """
    rows = []
    for key, table in predictions.items():
        found = calibrations(validation[key], classes)
        before = outcomes_by_level(table, classes)
        for method, (change, metrics) in METHODS.items():
            after = outcomes_by_level(_calibrated(table, found, classes, change), classes)
            for level in before:
                pair = before[level], after[level]
                values = [metric_values(of) for of in pair]
                drawn = [bootstrap_metrics(of, resamples, seed) for of in pair]
                for metric in metrics:
                    old, new = (value[metric] for value in values)
                    old_drawn, new_drawn = (value[metric] for value in drawn)
                    cells = [
                        *(old, *percentile_interval(old_drawn)),
                        *(new, *percentile_interval(new_drawn)),
                        *(new - old, *percentile_interval(new_drawn - old_drawn)),
                    ]
                    n = len(set(pair[0].case))
                    rows.append((*key, level, method, metric, *cells, n))
    return pd.DataFrame(rows, columns=COLUMNS)


def _calibrated(
    table: pd.DataFrame, found: Mapping[int, Calibration], classes: Sequence[str], change: Change
) -> pd.DataFrame:
    folds = table["fold"].astype(np.int64)
    return pd.concat(
        [
            change(part, classes, found[fold]) if fold in found else part
            for fold, part in table.groupby(folds, sort=False)
        ]
    )
