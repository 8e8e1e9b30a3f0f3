"""summary.csv: each metric's mean over folds, its pooled value and that value's interval."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.evaluation.outcomes import outcomes_by_level
from slidesieve.evaluation.tables import POOLED, metrics_table
from slidesieve.statistics.bootstrap import bootstrap_metrics, percentile_interval

log = logging.getLogger(__name__)

_KEYS = ["encoder", "model", "level", "metric"]
COLUMNS = [*_KEYS, "mean", "std", "pooled", "ci_low", "ci_high", "n_folds", "n"]


def summary_table(
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    classes: Sequence[str],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of summary.csv.

    Args:
        predictions: (encoder, model) to its out-of-fold predictions table.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.

    Returns:
        A row per encoder, model, level and metric. `mean` and `std` (n - 1 in the divisor) are
        over the `n_folds` folds in which the metric is defined. `pooled` is the metric of the
        out-of-fold predictions of all folds and repeats together, and the interval is its 95 %
        percentile interval, patients being resampled with all their slides, folds and repeats;
        resamples that lack a class are left out, and their number is logged. `n` counts distinct
        slides or patients.
    """
    values = metrics_table(predictions, classes)
    folds = values[values["fold"] != POOLED]
    pooled = values[values["fold"] == POOLED].set_index(_KEYS)["value"]
    over_folds = folds.groupby(_KEYS, sort=False)["value"].agg(["mean", "std", "count"])
    rows = []
    for (encoder, model), table in predictions.items():
        for level, outcomes in outcomes_by_level(table, classes).items():
            n = len(set(outcomes.case))
            for metric, drawn in bootstrap_metrics(outcomes, resamples, seed).items():
                key = (encoder, model, level, metric)
                log_left_out(drawn, f"{encoder}/{model}, {level} level, {metric}")
                mean, std, n_folds = over_folds.xs(key).to_numpy()
                interval = percentile_interval(drawn)
                rows.append((*key, mean, std, pooled.loc[key], *interval, int(n_folds), n))
    return pd.DataFrame(rows, columns=COLUMNS)


def log_left_out(values: NDArray[np.float64], where: str) -> None:
    """Say how many resamples had no defined value."""
    left_out = int(np.isnan(values).sum())
    if left_out:
        log.warning("%s: undefined in %d of %d resamples, left out", where, left_out, len(values))
