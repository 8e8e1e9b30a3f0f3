"""Predicting bags with a model, in batches under a token budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from slidesieve.bags import Bag, check_places
from slidesieve.models.classifier import needs_places
from slidesieve.nn.packing import pack_by_tokens
from slidesieve.training.batches import ready_batches
from slidesieve.training.fitted import FittedModel
from slidesieve.training.memory import TokenBudget
from slidesieve.training.settings import TrainingSettings


@dataclass(frozen=True)
class Predicted:
    """Predictions of a model for n bags.

    Attributes:
        logits: (n, C) float64 on the CPU.
        tokens_kept: (n,) int64, tokens that its reducer handed on.
    """

    logits: torch.Tensor
    tokens_kept: torch.Tensor


def predict_bags(
    model: nn.Module, bags: Sequence[Bag], budget: TokenBudget, device: torch.device
) -> Predicted:
    """Predict at least one bag; results in the bags' order."""
    was_training = model.training
    model.eval()
    found = budget.run(bags, lambda tokens: _predicted(model, bags, tokens, device))
    model.train(was_training)
    return found


@torch.no_grad()
def _predicted(
    model: nn.Module, bags: Sequence[Bag], token_budget: int, device: torch.device
) -> Predicted:
    positions = pack_by_tokens([len(bag.features) for bag in bags], token_budget)
    batches = ready_batches([[bags[i] for i in group] for group in positions], device)
    logits, kept = [], []
    for output, reduction in map(model, batches):
        logits.append(output.logits.double().cpu())
        kept.append(reduction.tokens.lengths.cpu())
    # Row j is of bag order[j]: put each where its bag stands.
    order = torch.tensor([i for group in positions for i in group])
    rows = order.argsort()
    return Predicted(torch.cat(logits)[rows], torch.cat(kept)[rows])


def predict(
    fitted: FittedModel, bags: Sequence[Bag], settings: TrainingSettings, device: torch.device
) -> pd.DataFrame:
    """Predict slides in full precision.

    Returns:
        slide_id, patient_id, label, prediction, prob_<class>…, tokens_in, tokens_kept, a row a bag
        in the bags' order.
    """
    classes = fitted.classes
    probabilities = np.zeros((0, len(classes)))
    kept = np.zeros(0, dtype=np.int64)
    if needs_places(fitted.spec):
        check_places(bags)
    if bags:
        budget = TokenBudget(settings.token_budget, device)
        found = predict_bags(fitted.model.to(device), bags, budget, device)
        probabilities = found.logits.softmax(dim=1).numpy()
        kept = found.tokens_kept.numpy()
    table = pd.DataFrame(
        {
            "slide_id": [bag.slide_id for bag in bags],
            "patient_id": [bag.patient_id for bag in bags],
            "label": [classes[bag.label_index] for bag in bags],
            "prediction": [classes[i] for i in probabilities.argmax(axis=1)],
        },
        dtype=str,
    )
    table = table.assign(**{f"prob_{c}": probabilities[:, i] for i, c in enumerate(classes)})
    tokens_in = np.array([len(bag.features) for bag in bags], dtype=np.int64)
    return table.assign(tokens_in=tokens_in, tokens_kept=kept)


def balanced_accuracy(labels: NDArray[np.integer], predictions: NDArray[np.integer]) -> float:
    """Return the mean recall of the classes that occur among the labels."""
    recalls = [(predictions[labels == c] == c).mean() for c in np.unique(labels)]
    return float(np.mean(recalls))
