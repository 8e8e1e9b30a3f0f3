"""The model that is fitted to all patients, once its folds have told how it does."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from statistics import median_high

import torch

from slidesieve.bags import Bag
from slidesieve.training.fitted import FittedModel
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

log = logging.getLogger(__name__)


def fit_final(
    model_spec: Mapping[str, object],
    bags: Sequence[Bag],
    best_epochs: Sequence[int],
    classes: Sequence[str],
    settings: TrainingSettings,
    device: torch.device,
) -> FittedModel:
    """Fit a model to all bags; nothing is kept aside, so nothing stops it early.

    Args:
        model_spec: The model's spec in the config.
        bags: Of all patients.
        best_epochs: Of the folds' fits. The median is the last epoch, of an even number the
            higher of the two in the middle.
        classes: The dataset's classes, in order.
        settings: As of the folds.
        device: Where to compute.

    Raises:
        ContractError: Bags cannot be used together.
        SlideSieveError: The loss stopped being finite.
    """
    last_epoch = median_high(best_epochs)
    listed = ", ".join(map(str, best_epochs))
    log.info("final model: %d epochs, the median of the folds' %s", last_epoch, listed)
    return fit_fold(model_spec, bags, [], classes, settings, device, last_epoch)
