"""Out-of-fold predictions as checked arrays, per slide and per patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.errors import ContractError

_SUM_TOLERANCE = 1e-3
_NAMED_IN_ERRORS = 5


@dataclass(frozen=True)
class Outcomes:
    """Labels and predictions of n cases (slides or patients).

    Repeated cross-validation predicts a case once per repeat; each such prediction is a row here.

    Attributes:
        case: (n,) str, slide or patient id.
        patient: (n,) str.
        fold: (n,) int64.
        truth: (n,) int64, index into `classes`.
        predicted: (n,) int64, index into `classes`.
        probability: (n, C) float64, rows summing to 1.
        classes: The C class names in the order of the config.
    """

    case: NDArray[np.object_]
    patient: NDArray[np.object_]
    fold: NDArray[np.int64]
    truth: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Outcomes:
        """Return the rows of a boolean mask or an index."""
        return Outcomes(
            self.case[rows],
            self.patient[rows],
            self.fold[rows],
            self.truth[rows],
            self.predicted[rows],
            self.probability[rows],
            self.classes,
        )


def outcomes_by_level(predictions: pd.DataFrame, classes: Sequence[str]) -> dict[str, Outcomes]:
    """Check a predictions table and return its outcomes at slide and at patient level.

    Args:
        predictions: Columns slide_id, patient_id, fold, label, prediction and prob_<class> for
            every class. Without fold, as of an ensemble, each slide is predicted once.
        classes: Class names in the order of the config.

    Returns:
        {"slide": …, "patient": …}. A patient's probability in a fold is the mean over the
        patient's slides in that fold, the predicted class its largest. Where a patient has slides
        of two classes, patients have no labels, and there is only "slide".

    Raises:
        ContractError: A column or every row is missing, a slide is twice in a fold, a class is
            unknown, or the probabilities are not a distribution.
    """
    slides = slide_outcomes(predictions, classes)
    labels = pd.Series(slides.truth).groupby(slides.patient).nunique()
    if (labels > 1).any():
        return {"slide": slides}
    return {"slide": slides, "patient": patient_outcomes(slides)}


def main_level(levels: Iterable[str]) -> str:
    """Return the level that pictures show: patients, or slides where patients have no labels."""
    return "patient" if "patient" in set(levels) else "slide"


def slide_outcomes(predictions: pd.DataFrame, classes: Sequence[str]) -> Outcomes:
    """Return one outcome per row of a predictions table, ordered by fold and slide."""
    if "fold" not in predictions:
        predictions = predictions.assign(fold=0)
    _check_predictions(predictions, classes)
    table = predictions.assign(fold=predictions["fold"].astype(np.int64))
    table = table.sort_values(["fold", "slide_id"], kind="stable")
    probability = table[[f"prob_{name}" for name in classes]].to_numpy(np.float64)
    index = {name: i for i, name in enumerate(classes)}
    return Outcomes(
        case=table["slide_id"].to_numpy(object),
        patient=table["patient_id"].to_numpy(object),
        fold=table["fold"].to_numpy(np.int64),
        truth=np.asarray(table["label"].map(index), dtype=np.int64),
        predicted=np.asarray(table["prediction"].map(index), dtype=np.int64),
        # Files hold seven digits; the metrics want rows that sum to one.
        probability=probability / probability.sum(axis=1, keepdims=True),
        classes=tuple(classes),
    )


def patient_outcomes(slides: Outcomes) -> Outcomes:
    """Return one outcome per patient and fold, the mean probability over the patient's slides."""
    table = pd.DataFrame(
        {"fold": slides.fold, "patient": slides.patient, "truth": slides.truth}
    ).join(pd.DataFrame(slides.probability))
    labels = table.groupby("patient")["truth"].nunique()
    mixed = sorted(labels.index[labels > 1])
    if mixed:
        raise ContractError(
            f"patients with slides of two classes have no patient-level label: {_names(mixed)}"
        )
    patients = table.groupby(["fold", "patient"], sort=True, as_index=False).mean()
    probability = patients[list(range(len(slides.classes)))].to_numpy(np.float64)
    names = patients["patient"].to_numpy(object)
    return Outcomes(
        case=names,
        patient=names,
        fold=patients["fold"].to_numpy(np.int64),
        truth=patients["truth"].to_numpy(np.int64),
        predicted=probability.argmax(axis=1),
        probability=probability,
        classes=slides.classes,
    )


def _check_predictions(table: pd.DataFrame, classes: Sequence[str]) -> None:
    columns = ["slide_id", "patient_id", "fold", "label", "prediction"]
    probabilities = [f"prob_{name}" for name in classes]
    missing = [name for name in columns + probabilities if name not in table.columns]
    if missing:
        raise ContractError(f"predictions lack the columns {', '.join(missing)}")
    if table.empty:
        raise ContractError("predictions hold no row")
    twice = table.duplicated(["slide_id", "fold"])
    if twice.any():
        raise ContractError(f"slides predicted twice in a fold: {_slides(table, twice)}")
    for column in ("label", "prediction"):
        unknown = ~table[column].isin(classes)
        if unknown.any():
            raise ContractError(
                f"{column} outside the classes {', '.join(classes)}: {_slides(table, unknown)}"
            )
    values = table[probabilities].to_numpy(np.float64)
    # Written so that NaN fails too.
    fair = (values >= 0).all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= _SUM_TOLERANCE)
    if not fair.all():
        raise ContractError(
            f"probabilities that are negative, missing or do not sum to 1: {_slides(table, ~fair)}"
        )


def _slides(table: pd.DataFrame, rows: pd.Series | NDArray[np.bool_]) -> str:
    return _names(sorted(table.loc[rows, "slide_id"].unique()))


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_NAMED_IN_ERRORS])
    left = len(names) - _NAMED_IN_ERRORS
    return f"{shown} and {left} more" if left > 0 else shown
