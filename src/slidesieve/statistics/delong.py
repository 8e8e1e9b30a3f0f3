"""DeLong's test of areas under correlated ROC curves, for two or more classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

# Areas lie between 0 and 1; what is smaller than this is rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class DelongResult:
    """Areas under one-versus-rest ROC curves and how they vary together.

    Attributes:
        auc: (M, C) area of each of M models for each of C classes.
        influence: (M, C, n) influence φ of each case on each area.
    """

    auc: NDArray[np.float64]
    influence: NDArray[np.float64]

    @property
    def covariance(self) -> NDArray[np.float64]:
        """(M·C, M·C) covariance of `auc.ravel()`."""
        flat = self.influence.reshape(self.auc.size, -1)
        return flat @ flat.T

    def contrast(self, weights: NDArray[np.float64]) -> tuple[float, float]:
        """Return a weighted sum of the areas, weights (M, C), and its standard error."""
        influence = np.tensordot(weights, self.influence, axes=2)
        return float((weights * self.auc).sum()), float(np.linalg.norm(influence))


def delong(truth: NDArray[np.int64], scores: NDArray[np.float64]) -> DelongResult:
    """Return areas and covariance of M models on the same independent cases.

    For class c with m positives and k negatives, DeLong, DeLong and Clarke-Pearson (1988) give
    each positive the share V¹⁰ of negatives scored below it and each negative the share V⁰¹ of
    positives scored above it, ties counting half; the area A is the mean of either. The
    covariance of two areas is S¹⁰/m + S⁰¹/k, with S the sample covariances of V¹⁰ and of V⁰¹.

    With φ(i) = (V¹⁰(i) - A) / √(m(m-1)) for a positive case i and (V⁰¹(i) - A) / √(k(k-1)) for a
    negative one, that covariance is Σᵢ φ(i) φ'(i). φ is the influence of case i on the area, and
    so the same sum is the large-sample covariance of the areas of different classes, where a
    case may be positive for one and negative for the other. The whole matrix is Φ Φᵀ; a macro
    average is a linear contrast of it. Midranks give V in O(n log n) (Sun and Xu 2014).

    The cases must be independent: DeLong knows nothing of several slides of one patient.

    Args:
        truth: (n,) class indices, at least two cases of each class and of its rest.
        scores: (M, n, C) score of each class by each model.

    Returns:
        The areas and influences; on two classes their covariance is DeLong's own.

    Raises:
        ValueError: A class has fewer than two cases, or fewer than two others.
    """
    n_models, n_cases, n_classes = scores.shape
    auc = np.empty((n_models, n_classes))
    influence = np.empty((n_models, n_classes, n_cases))
    for c in range(n_classes):
        positive = truth == c
        if min(positive.sum(), (~positive).sum()) < 2:
            raise ValueError(f"DeLong needs two cases of class {c} and two others")
        for model in range(n_models):
            auc[model, c], influence[model, c] = _area(positive, scores[model, :, c])
    return DelongResult(auc, influence)


def two_sided_z(difference: float, standard_error: float) -> float:
    """Return the two-sided normal p-value of a difference; 1 for none at all, NaN without error."""
    if standard_error > _ROUNDING:
        return float(2 * norm.sf(abs(difference) / standard_error))
    return 1.0 if abs(difference) <= _ROUNDING else float("nan")


def _area(
    positive: NDArray[np.bool_], score: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Area under the ROC curve and the influence φ of each case on it."""
    m, k = positive.sum(), (~positive).sum()
    rank = rankdata(score)
    below = (rank[positive] - rankdata(score[positive])) / k
    above = 1 - (rank[~positive] - rankdata(score[~positive])) / m
    area = below.mean()
    influence = np.empty(len(score))
    influence[positive] = (below - area) / np.sqrt(m * (m - 1))
    influence[~positive] = (above - area) / np.sqrt(k * (k - 1))
    return float(area), influence
