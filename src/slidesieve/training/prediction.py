"""Predicting bags with a model, in batches under a token budget."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from slidesieve.bags import Bag, pack_by_tokens
from slidesieve.training.batches import ready_batches
from slidesieve.training.fitted import FittedModel
from slidesieve.training.memory import TokenBudget
from slidesieve.training.settings import TrainingSettings


def predict_logits(
    model: nn.Module, bags: Sequence[Bag], budget: TokenBudget, device: torch.device
) -> torch.Tensor:
    """Return the logits of bags, (B, C) float64 on the CPU, in the bags' order."""
    was_training = model.training
    model.eval()
    logits = budget.run(bags, lambda tokens: _logits(model, bags, tokens, device))
    model.train(was_training)
    return logits


@torch.no_grad()
def _logits(
    model: nn.Module, bags: Sequence[Bag], token_budget: int, device: torch.device
) -> torch.Tensor:
    positions = pack_by_tokens([len(bag.features) for bag in bags], token_budget)
    batches = ready_batches([[bags[i] for i in group] for group in positions], device)
    logits = torch.cat([model(batch)[0].logits.double().cpu() for batch in batches])
    # Row j is of bag order[j]: put each where its bag stands.
    order = torch.tensor([i for group in positions for i in group])
    return torch.empty_like(logits).index_copy_(0, order, logits)


def predict(
    fitted: FittedModel, bags: Sequence[Bag], settings: TrainingSettings, device: torch.device
) -> pd.DataFrame:
    """Predict slides in full precision.

    Returns:
        slide_id, patient_id, label, prediction, prob_<class>…, a row a bag in the bags' order.
    """
    classes = fitted.classes
    probabilities = np.zeros((0, len(classes)))
    if bags:
        model = fitted.model.to(device)
        logits = predict_logits(model, bags, TokenBudget(settings.token_budget), device)
        probabilities = logits.softmax(dim=1).numpy()
    table = pd.DataFrame(
        {
            "slide_id": [bag.slide_id for bag in bags],
            "patient_id": [bag.patient_id for bag in bags],
            "label": [classes[bag.label_index] for bag in bags],
            "prediction": [classes[i] for i in probabilities.argmax(axis=1)],
        },
        dtype=str,
    )
    return table.assign(**{f"prob_{c}": probabilities[:, i] for i, c in enumerate(classes)})


def balanced_accuracy(labels: NDArray[np.integer], predictions: NDArray[np.integer]) -> float:
    """Return the mean recall of the classes that occur among the labels."""
    recalls = [(predictions[labels == c] == c).mean() for c in np.unique(labels)]
    return float(np.mean(recalls))
