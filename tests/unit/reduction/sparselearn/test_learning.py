"""From slide labels alone to a selector that finds the token that makes the label."""

from __future__ import annotations

import pytest
import torch
from bag_factory import planted_bags

from slidesieve.bags import collate
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

K = 6
CHANCE = K / 40
AGGREGATORS = {
    "abmil": {"name": "abmil", "hidden_dim": 32},
    "transformer": {"name": "transformer", "hidden_dim": 32},
}


@pytest.mark.parametrize("aggregator", AGGREGATORS)
def test_slide_labels_teach_which_token_to_keep(aggregator):
    spec = {"reducer": {"name": "sparselearn", "k": K}, "aggregator": AGGREGATORS[aggregator]}
    settings = TrainingSettings(epochs=40, batch_slides=10, lr=3e-3)
    bags = planted_bags(60, seed=0)
    fitted = fit_fold(spec, bags, [], ("benign", "tumour"), settings, torch.device("cpu"))
    found = right = 0
    tumours = [bag for bag in planted_bags(60, seed=1) if bag.label_index]
    for bag in tumours:
        with torch.no_grad():
            output, reduction = fitted.model(collate([bag]))
        found += int(reduction.source[0, bag.features[:, 2].argmax()] >= 0)
        right += int(output.logits.argmax() == 1)
    assert found / len(tumours) > 3 * CHANCE
    assert right / len(tumours) > 0.7
