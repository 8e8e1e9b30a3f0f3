"""Fits of the product's own training loop, and what each makes of the slides it tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import torch
from mosaics import LaidCohort
from numpy.typing import NDArray

from slidesieve.bags import Bag, collate
from slidesieve.training.fitted import FittedModel
from slidesieve.training.prediction import balanced_accuracy, predict
from slidesieve.training.restarts import fit_with_restarts
from slidesieve.training.settings import TrainingSettings

_CLASSES = ("normal", "tumour")
_CPU = torch.device("cpu")


def fit_and_test(
    cohort: LaidCohort, fold: int, model: Mapping[str, object], settings: TrainingSettings
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Fit one fold and predict its test slides.

    Returns:
        A row per test slide: slide_id, is_tumour, prob_tumour, and recall, the share of its tumour
        tokens that were kept or merged into kept ones; and what the fit was like, with
        `threshold`, the probability that tells the validation part's classes apart best.
    """
    parts = {name: cohort.part(fold, name) for name in ("train", "val", "test")}
    fitted = fit_with_restarts(model, parts["train"], parts["val"], _CLASSES, settings, _CPU)
    table = predict(fitted, parts["test"], settings, _CPU)[["slide_id", "prob_tumour"]]
    table = table.assign(
        is_tumour=[bag.label_index for bag in parts["test"]],
        recall=list(_recalls(fitted, cohort, parts["test"])),
    )
    of_validation = predict(fitted, parts["val"], settings, _CPU)["prob_tumour"].to_numpy()
    is_tumour = np.array([bag.label_index for bag in parts["val"]])
    last = fitted.history.iloc[-1]
    best = fitted.history.iloc[fitted.best_epoch - 1]
    recalls = {
        f"recall_{name}": float(np.nanmean(list(_recalls(fitted, cohort, bags))))
        for name, bags in parts.items()
    }
    return table, {
        "threshold": best_threshold(of_validation, is_tumour),
        "signs": "; ".join(fitted.signs),
        "restarts": fitted.restarts,
        "best_epoch": fitted.best_epoch,
        "epochs": len(fitted.history),
        "last_cross_entropy": last["train_cross_entropy"],
        "val_balanced_accuracy": best["val_balanced_accuracy"],
        **recalls,
    }


def best_threshold(probability: NDArray[np.float64], is_tumour: NDArray[np.int64]) -> float:
    """Return the threshold of greatest balanced accuracy, in the middle of where that is so.

    The middle is that of logits.

    Args:
        probability: (n,) of the class 1.
        is_tumour: (n,) 0 or 1, both there.
    """
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    logits = np.log(clipped / (1 - clipped))
    ends = np.sort(logits)
    places = np.concatenate([[ends[0] - 1], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1]])
    scores = [balanced_accuracy(is_tumour, (logits > place).astype(int)) for place in places]
    best = places[np.isclose(scores, max(scores))]
    return float(1 / (1 + np.exp(-best.mean())))


@torch.no_grad()
def _recalls(fitted: FittedModel, cohort: LaidCohort, bags: list[Bag]) -> Iterator[float]:
    for bag in bags:
        truth = cohort.truth[bag.slide_id]
        source = fitted.model(collate([bag]))[1].source[0].numpy()
        yield float((source[truth] >= 0).mean()) if truth.any() else float("nan")
