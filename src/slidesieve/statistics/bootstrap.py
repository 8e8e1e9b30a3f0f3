"""Bootstrap over patients: slides of one patient are drawn together, or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from slidesieve.evaluation.metrics import METRICS, weighted_metrics
from slidesieve.evaluation.outcomes import Outcomes

Values = NDArray[np.float64]

CONFIDENCE = 0.95
# Sums in another order can turn a tie into a difference of this size.
_ROUNDING = 1e-12
# Rows of weights made at a time: 32 MB of float64, whatever the cohort.
_CELLS_AT_A_TIME = 4_000_000


def cluster_weights(clusters: ArrayLike, resamples: int, seed: int) -> Iterator[Values]:
    """Draw clusters with replacement and yield how often each row counts.

    Args:
        clusters: (n,) cluster (patient) of each row.
        resamples: How many times to draw as many clusters as there are.
        seed: Equal seeds and clusters give equal draws, so that two models on the same rows
            are resampled alike.

    Yields:
        (r, n) blocks of weights, `resamples` rows in all.
    """
    names, code = np.unique(np.asarray(clusters), return_inverse=True)
    rng = np.random.default_rng(seed)
    block = max(1, _CELLS_AT_A_TIME // max(len(code), 1))
    for start in range(0, resamples, block):
        rows = min(block, resamples - start)
        drawn = rng.integers(len(names), size=(rows, len(names)))
        offsets = np.arange(rows)[:, None] * len(names)
        counts = np.bincount((drawn + offsets).ravel(), minlength=rows * len(names))
        yield counts.reshape(rows, len(names))[:, code].astype(np.float64)


def bootstrap_metrics(outcomes: Outcomes, resamples: int, seed: int) -> dict[str, Values]:
    """Return each metric's (resamples,) values over patient resamples, NaN where undefined."""
    blocks = [
        weighted_metrics(outcomes, weights)
        for weights in cluster_weights(outcomes.patient, resamples, seed)
    ]
    return {name: np.concatenate([block[name] for block in blocks]) for name in METRICS}


def percentile_interval(values: Values) -> tuple[float, float]:
    """Return the 95 % percentile interval of the defined values; NaN, NaN if there are none."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return float("nan"), float("nan")
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def two_sided_p(differences: Values) -> float:
    """Return the two-sided bootstrap p-value of "the difference is 0".

    Twice the smaller of the shares of resampled differences at or below 0 and at or above 0: the
    level at which the percentile interval just touches 0 (Efron and Tibshirani 1993, section
    15.4). One is added to count and total so that no finite bootstrap claims p = 0. NaN if no
    difference is defined.
    """
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return float("nan")
    tail = min((defined <= _ROUNDING).sum(), (defined >= -_ROUNDING).sum())
    return float(min(1.0, 2 * (tail + 1) / (len(defined) + 1)))
