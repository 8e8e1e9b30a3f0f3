"""A small fitted selector."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import planted_bags
from slidesieve.training.fitted import FittedModel
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

CLASSES = ("benign", "tumour")
SPEC = {
    "reducer": {"name": "sparselearn", "k": 6, "scorer_dim": 8},
    "aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8},
}


@pytest.fixture(scope="session")
def fitted() -> FittedModel:
    """A selector of 6 of 40 tokens, fitted for as long as it takes to move every weight."""
    settings = TrainingSettings(epochs=8, lr=3e-3)
    return fit_fold(SPEC, planted_bags(24, seed=0), [], CLASSES, settings, torch.device("cpu"))
