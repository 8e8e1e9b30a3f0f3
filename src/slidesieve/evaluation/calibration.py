"""Predictions calibrated on each fold's validation part: a temperature, and thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from slidesieve.evaluation.metrics import balanced_accuracy, log_loss
from slidesieve.evaluation.outcomes import Outcomes, slide_outcomes

Values = NDArray[np.float64]

_LOG_TEMPERATURES = (-3.0, 3.0)
_SWEEPS = 3
_TINY = 1e-12
# Beyond the outermost case a threshold has no middle to lie in.
_MARGIN = 1.0


@dataclass(frozen=True)
class Calibration:
    """Calibration of a model's probabilities on a fold's validation part.

    Attributes:
        temperature: T; p^(1/T), normalised, has the least log loss (Guo et al. 2017,
            https://arxiv.org/abs/1706.04599).
        offsets: (C,) what is added to log p before the greatest is predicted; the first is 0.
    """

    temperature: float
    offsets: Values


def calibration_of(validation: Outcomes) -> Calibration:
    """Find temperature and thresholds on the slides of a validation part."""
    log_p = _log_probability(validation.probability)
    return Calibration(_temperature(validation, log_p), _offsets(validation, log_p))


def tempered(predictions: pd.DataFrame, classes: Sequence[str], of: Calibration) -> pd.DataFrame:
    """Return a predictions table with its probabilities at the temperature; classes stay."""
    columns = [f"prob_{name}" for name in classes]
    log_p = _log_probability(predictions[columns].to_numpy(np.float64))
    table = predictions.copy()
    table[columns] = softmax(log_p / of.temperature, axis=1)
    return table


def shifted(predictions: pd.DataFrame, classes: Sequence[str], of: Calibration) -> pd.DataFrame:
    """Return a predictions table whose classes are told by the thresholds."""
    columns = [f"prob_{name}" for name in classes]
    log_p = _log_probability(predictions[columns].to_numpy(np.float64))
    probability = softmax(log_p + of.offsets, axis=1)
    names = np.array(classes)[probability.argmax(axis=1)]
    table = predictions.assign(prediction=names)
    table[columns] = probability
    return table


def calibrations(
    validation: Mapping[int, pd.DataFrame], classes: Sequence[str]
) -> dict[int, Calibration]:
    """Return the calibration of each fold whose validation part has slides of every class.

    Args:
        validation: By fold, the predictions of its validation part.
        classes: Class names in the order of the config.
    """
    return {
        fold: calibration_of(slide_outcomes(table, classes))
        for fold, table in validation.items()
        if set(table["label"]) == set(classes)
    }


def _log_probability(probability: Values) -> Values:
    return np.log(np.maximum(probability, _TINY))


def _temperature(validation: Outcomes, log_p: Values) -> float:
    ones = np.ones((1, len(validation)))

    def loss(log_temperature: float) -> float:
        at = np.exp(log_softmax(log_p / np.exp(log_temperature), axis=1))
        return float(log_loss(_with(validation, at), ones)[0])

    return float(np.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x))


def _offsets(validation: Outcomes, log_p: Values) -> Values:
    """Raise balanced accuracy one class after the other; of equals, the middle."""
    offsets = np.zeros(log_p.shape[1])
    for _ in range(_SWEEPS):
        before = offsets.copy()
        for c in range(1, len(offsets)):
            offsets[c] = _best_offset(validation, log_p + offsets, c) + offsets[c]
        if np.array_equal(before, offsets):
            break
    return offsets


def _best_offset(validation: Outcomes, scores: Values, c: int) -> float:
    """Return what to add to the scores of class c; 0 where nothing is better."""
    others = np.delete(scores, c, axis=1).max(axis=1)
    turns = np.unique(others - scores[:, c])
    ends = [turns[0] - _MARGIN, turns[-1] + _MARGIN]
    places = np.array([0.0, ends[0], *(turns[1:] + turns[:-1]) / 2, ends[1]])
    found = np.array([_balanced_accuracy(validation, scores, c, place) for place in places])
    best = places[np.isclose(found, found.max())]
    return 0.0 if found[0] == found.max() else float(best.mean())


def _balanced_accuracy(validation: Outcomes, scores: Values, c: int, offset: float) -> float:
    moved = scores.copy()
    moved[:, c] += offset
    return float(balanced_accuracy(_with(validation, moved), np.ones((1, len(moved))))[0])


def _with(outcomes: Outcomes, scores: Values) -> Outcomes:
    """Return outcomes with other probabilities, or scores, and what is predicted by them."""
    return Outcomes(
        case=outcomes.case,
        patient=outcomes.patient,
        fold=outcomes.fold,
        truth=outcomes.truth,
        predicted=scores.argmax(axis=1),
        probability=scores,
        classes=outcomes.classes,
    )
