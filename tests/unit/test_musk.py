"""ABMIL on the classic MIL sets MUSK1 and elephant, against published accuracies.

Honest protocol: the stored folds, one setting for both sets, the last epoch's weights, class 1
above probability 0.5. Nothing is chosen on the test part. Published: Ilse et al. 2018, Table 1
(gated attention has 0.900 and 0.857, plain attention 0.892 and 0.868).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from slidesieve.bags import Bag
from slidesieve.training.loop import fit_fold
from slidesieve.training.prediction import predict
from slidesieve.training.settings import TrainingSettings

REPEAT = 0
ABMIL = {"aggregator": {"name": "abmil", "hidden_dim": 128, "attention_dim": 64}}
SETTINGS = TrainingSettings(epochs=20, lr=1e-3, weight_decay=1e-4, batch_slides=8)


def stored_bags(path: Path) -> tuple[list[Bag], np.ndarray]:
    """The bags of a set and the training mask (folds, bags) of one repeat."""
    stored = np.load(path)
    bags = []
    for i, label in enumerate(stored["y"]):
        features = stored["X"][stored["bag"] == i]
        coords = np.zeros((len(features), 2), dtype=np.int64)
        bags.append(Bag(f"bag{i}", f"bag{i}", int(label), features, coords))
    return bags, stored["train_folds"][REPEAT]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "published"), [("musk1", 0.892), ("elephant", 0.868)])
def test_abmil_reaches_the_published_accuracy(shared_data, name, published):
    bags, in_train = stored_bags(shared_data / "mil" / f"{name}.npz")
    device = torch.device("cpu")
    correct = []
    for mask in in_train:
        train = [bag for bag, trains in zip(bags, mask, strict=True) if trains]
        test = [bag for bag, trains in zip(bags, mask, strict=True) if not trains]
        fitted = fit_fold(ABMIL, train, [], ("0", "1"), SETTINGS, device)
        table = predict(fitted, test, SETTINGS, device)
        correct += (table["label"] == table["prediction"]).tolist()
    assert len(correct) == len(bags)
    assert np.mean(correct) == pytest.approx(published, abs=0.05)
