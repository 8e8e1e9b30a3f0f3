"""Fits that show signs of failure are tried again with another seed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from slidesieve.bags import Bag
from slidesieve.training.fitted import FittedModel
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

log = logging.getLogger(__name__)

# Far from the seeds that a study of several seeds would use.
_NEXT_SEED = 10_007


def fit_with_restarts(
    model_spec: Mapping[str, object],
    train_bags: Sequence[Bag],
    val_bags: Sequence[Bag],
    classes: Sequence[str],
    settings: TrainingSettings,
    device: torch.device,
) -> FittedModel:
    """Fit a fold; while the last fit shows signs of failure, again, `settings.restarts` times.

    Nothing but the validation part decides which fit is kept, and `restarts` of the result says
    how many were tried beside the first. Arguments and errors are those of `fit_fold`.
    """
    fits: list[FittedModel] = []
    for attempt in range(settings.restarts + 1):
        chosen = replace(settings, seed=settings.seed + attempt * _NEXT_SEED)
        fits.append(fit_fold(model_spec, train_bags, val_bags, classes, chosen, device))
        if not fits[-1].signs:
            break
        if attempt < settings.restarts:
            log.warning("training: tried again with another seed")
    best = max(fits, key=lambda fitted: _score(fitted, settings.monitor))
    return replace(best, restarts=len(fits) - 1)


def _score(fitted: FittedModel, monitor: str) -> tuple[float, float]:
    """Return what a fit reached on the validation part, the greater the better."""
    kept = fitted.history.iloc[fitted.best_epoch - 1]
    loss, accuracy = float(kept["val_loss"]), float(kept["val_balanced_accuracy"])
    return (accuracy, -loss) if monitor == "balanced_accuracy" else (-loss, accuracy)
