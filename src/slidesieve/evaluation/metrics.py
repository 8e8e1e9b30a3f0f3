"""The metrics, written for weighted cases so that one pass serves a whole bootstrap.

Row r of a weight matrix says how often each case counts in resample r: a row of ones gives the
ordinary value. Orders and ranks depend on the scores alone and are found once for all rows.
A metric that a row leaves undefined is NaN there.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from slidesieve.evaluation.outcomes import Outcomes

Values = NDArray[np.float64]

ECE_BINS = 15
_TINY = np.finfo(np.float64).eps


def metric_values(outcomes: Outcomes) -> dict[str, float]:
    """Return every metric of the outcomes, NaN where it is undefined."""
    ones = np.ones((1, len(outcomes)))
    return {name: float(value[0]) for name, value in weighted_metrics(outcomes, ones).items()}


def weighted_metrics(outcomes: Outcomes, weights: Values) -> dict[str, Values]:
    """Return every metric for every row of weights.

    Args:
        outcomes: n cases.
        weights: (R, n) how often each case counts, at least 0.

    Returns:
        Metric name to (R,) values. Metrics that average over classes are NaN where a class has
        no case; kappa is NaN where truth and prediction are one and the same class throughout.
    """
    return {name: metric(outcomes, weights) for name, metric in METRICS.items()}


def accuracy(outcomes: Outcomes, weights: Values) -> Values:
    """Fraction of cases predicted right."""
    return _mean(outcomes.predicted == outcomes.truth, weights)


def balanced_accuracy(outcomes: Outcomes, weights: Values) -> Values:
    """Mean over classes of the fraction of the class predicted right (recall)."""
    matrix = confusion(outcomes, weights)
    return _ratio(np.diagonal(matrix, axis1=1, axis2=2), matrix.sum(axis=2)).mean(axis=1)


def f1_macro(outcomes: Outcomes, weights: Values) -> Values:
    """Mean over classes of F1 = 2 TP / (2 TP + FP + FN)."""
    matrix = confusion(outcomes, weights)
    hits = np.diagonal(matrix, axis1=1, axis2=2)
    f1 = _ratio(2 * hits, matrix.sum(axis=1) + matrix.sum(axis=2))
    # A class that only false positives name has F1 0 by the formula, but nothing to be found.
    return np.where(matrix.sum(axis=2) > 0, f1, np.nan).mean(axis=1)


def kappa_quadratic(outcomes: Outcomes, weights: Values) -> Values:
    """Cohen's kappa with weights (i - j)², i and j being places in the class order."""
    matrix = confusion(outcomes, weights)
    place = np.arange(len(outcomes.classes))
    penalty = (place[:, None] - place[None, :]) ** 2
    chance = matrix.sum(axis=2)[:, :, None] * matrix.sum(axis=1)[:, None, :]
    observed = (penalty * matrix).sum(axis=(1, 2)) * matrix.sum(axis=(1, 2))
    return 1 - _ratio(observed, (penalty * chance).sum(axis=(1, 2)))


def auc_macro_ovr(outcomes: Outcomes, weights: Values) -> Values:
    """Mean over classes of the area under the one-versus-rest ROC curve."""
    return np.mean([class_auc(outcomes, weights, c) for c in range(len(outcomes.classes))], axis=0)


def class_auc(outcomes: Outcomes, weights: Values, c: int) -> Values:
    """Area under the ROC curve of class c versus the rest: P(score⁺ > score⁻) + ½ P(equal)."""
    positive, negative = by_score(outcomes, weights, c)
    above = np.cumsum(positive, axis=1) - positive / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return _ratio((negative * above).sum(axis=1), pairs)


def average_precision(outcomes: Outcomes, weights: Values) -> Values:
    """Mean over classes of AP = Σₖ (Rₖ - Rₖ₋₁) Pₖ over the distinct scores of the class."""
    classes = range(len(outcomes.classes))
    return np.mean([_class_precision(outcomes, weights, c) for c in classes], axis=0)


def _class_precision(outcomes: Outcomes, weights: Values, c: int) -> Values:
    positive, negative = by_score(outcomes, weights, c)
    hits = np.cumsum(positive, axis=1)
    named = hits + np.cumsum(negative, axis=1)
    # Leading scores that nobody drew have 0/0 precision and no weight.
    precision = np.divide(hits, named, out=np.zeros_like(hits), where=named > 0)
    return _ratio((positive * precision).sum(axis=1), positive.sum(axis=1))


def log_loss(outcomes: Outcomes, weights: Values) -> Values:
    """Mean of -ln p(true class), p kept above float64's epsilon."""
    of_truth = outcomes.probability[np.arange(len(outcomes)), outcomes.truth]
    return _mean(-np.log(np.maximum(of_truth, _TINY)), weights)


def brier(outcomes: Outcomes, weights: Values) -> Values:
    """Brier's own score, mean of Σ_c (p_c - [truth = c])², from 0 to 2 also for two classes."""
    truth = np.eye(len(outcomes.classes))[outcomes.truth]
    return _mean(((outcomes.probability - truth) ** 2).sum(axis=1), weights)


def ece(outcomes: Outcomes, weights: Values) -> Values:
    """Expected calibration error of the predicted class: Σ_b (n_b / n) |accuracy_b - confidence_b|.

    Confidence is the probability of the predicted class, b runs over 15 bins ((i-1)/15, i/15] of
    equal width (Guo et al. 2017, Eq. 3).
    """
    confidence = outcomes.probability[np.arange(len(outcomes)), outcomes.predicted]
    edges = np.linspace(0, 1, ECE_BINS + 1)[1:-1]
    members = np.eye(ECE_BINS)[np.searchsorted(edges, confidence, side="left")]
    right = (outcomes.predicted == outcomes.truth).astype(np.float64)
    gaps = weights @ (members * (right - confidence)[:, None])
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


METRICS: dict[str, Callable[[Outcomes, Values], Values]] = {
    "balanced_accuracy": balanced_accuracy,
    "accuracy": accuracy,
    "auc_macro_ovr": auc_macro_ovr,
    "average_precision": average_precision,
    "f1_macro": f1_macro,
    "kappa_quadratic": kappa_quadratic,
    "log_loss": log_loss,
    "brier": brier,
    "ece": ece,
}


def confusion(outcomes: Outcomes, weights: Values) -> Values:
    """Return (R, C, C) weighted counts: rows are the truth, columns the prediction."""
    n_classes = len(outcomes.classes)
    cells = np.eye(n_classes * n_classes)[outcomes.truth * n_classes + outcomes.predicted]
    return (weights @ cells).reshape(len(weights), n_classes, n_classes)


def by_score(outcomes: Outcomes, weights: Values, c: int) -> tuple[Values, Values]:
    """Weight of class c and of the rest at each distinct score, highest first; (R, n_scores)."""
    score = outcomes.probability[:, c]
    order = np.argsort(-score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=np.inf))
    is_class = outcomes.truth[order] == c
    ordered = weights[:, order]
    return (
        np.add.reduceat(ordered * is_class, starts, axis=1),
        np.add.reduceat(ordered * ~is_class, starts, axis=1),
    )


def _mean(values: NDArray, weights: Values) -> Values:
    return _ratio(weights @ values.astype(np.float64), weights.sum(axis=1))


def _ratio(numerator: Values, denominator: Values) -> Values:
    undefined = np.full(np.broadcast_shapes(numerator.shape, denominator.shape), np.nan)
    return np.divide(numerator, denominator, out=undefined, where=denominator > 0)
