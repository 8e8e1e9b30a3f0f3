"""When to stop, and which epoch's weights to keep."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from slidesieve.training.settings import TrainingSettings


class EarlyStopping:
    """Remembers the weights of the epoch that did best on the validation part.

    Args:
        settings: patience, min_epochs and monitor.
        first_epoch: Epochs before this one are not considered: the model is not yet what it will
            be.

    Attributes:
        best_epoch: Number of that epoch, from 1; 0 before the first.
    """

    def __init__(self, settings: TrainingSettings, first_epoch: int = 1) -> None:
        self._settings = settings
        self._first_epoch = first_epoch
        self._best_score: tuple[float, ...] | None = None
        self._best_weights: dict[str, Tensor] = {}
        self.best_epoch = 0

    def update(self, epoch: int, loss: float, balanced_accuracy: float, model: nn.Module) -> None:
        """Take note of an epoch's result on the validation part."""
        if epoch < self._first_epoch:
            return
        by_accuracy = self._settings.monitor == "balanced_accuracy"
        score = (balanced_accuracy, -loss) if by_accuracy else (-loss,)
        if self._best_score is None or score > self._best_score:
            self._best_score = score
            self._best_weights = copy.deepcopy(model.state_dict())
            self.best_epoch = epoch

    def is_due(self, epoch: int) -> bool:
        """Return whether training should stop after this epoch."""
        if not self.best_epoch:
            return False
        idle = epoch - self.best_epoch
        return epoch >= self._settings.min_epochs and idle >= self._settings.patience

    def restore(self, model: nn.Module) -> None:
        """Give the model the best epoch's weights."""
        model.load_state_dict(self._best_weights)
