"""Signs that a fit has failed: it learnt its training slides by heart, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

_FIRST_TENTH = 0.1
_BY_HEART = 0.05
"""Cross-entropy below which every training slide is told with near certainty."""
_ABOVE_CHANCE = 0.3
"""Balanced accuracy must be this much of the way from chance to 1 on the validation part."""


def signs_of_failure(
    history: pd.DataFrame, best_epoch: int, first_epoch: int, n_classes: int
) -> Iterator[str]:
    """Yield what in a fit's history says that its model should not be trusted.

    Without a validation part there is nothing to be seen.

    Args:
        history: See `FittedModel`.
        best_epoch: Epoch, from 1, whose weights were kept.
        first_epoch: The first one that could have been.
        n_classes: Number of classes; chance is one over it.
    """
    if history["val_balanced_accuracy"].isna().all():
        return
    n_epochs = len(history)
    best = float(history["val_balanced_accuracy"].iloc[best_epoch - 1])
    # Of a validation part without an error nothing can be gained.
    if best < 1 and best_epoch - first_epoch < _FIRST_TENTH * (n_epochs - first_epoch + 1):
        counted = f", of which those from {first_epoch} on count" if first_epoch > 1 else ""
        yield (
            f"the best epoch is {best_epoch} of {n_epochs}{counted}: the validation part did not "
            "gain from training"
        )
    chance = 1 / n_classes
    if best < chance + _ABOVE_CHANCE * (1 - chance):
        by_heart = history["train_cross_entropy"].iloc[-1] < _BY_HEART
        why = "training slides are known by heart" if by_heart else "training slides neither"
        yield f"balanced accuracy on the validation part is {best:.2f}, near chance; {why}"
