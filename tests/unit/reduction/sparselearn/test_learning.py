"""From slide labels alone to a selector that finds the token that makes the label."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from helpers.bag_factory import planted_bags
from slidesieve.aggregators.registry import AGGREGATORS as AGGREGATORS_THERE_ARE
from slidesieve.bags import collate
from slidesieve.models.classifier import build_model
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
    settings = TrainingSettings(epochs=60, batch_slides=10, lr=3e-3)
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


@pytest.mark.parametrize("aggregator", sorted(AGGREGATORS_THERE_ARE))
def test_every_aggregator_teaches_the_scorer_through_the_soft_path(aggregator):
    torch.manual_seed(0)
    reducer = {"name": "sparselearn", "k": K, "hard_mix_prob": 0.0, "budget_end": 0.0}
    model = build_model({"reducer": reducer, "aggregator": aggregator}, 8, 2).train()
    row, column = np.divmod(np.arange(40), 8)
    places = np.stack([column, row], axis=1) * 256
    bags = [dataclasses.replace(bag, coords=places) for bag in planted_bags(4, seed=0)]
    model.prepare([collate([bag]) for bag in bags])
    labels = torch.tensor([bag.label_index for bag in bags])
    output, reduction = model(collate(bags), labels)
    assert reduction.tokens.features.shape[1] == 40
    # The second tier of DTFD sends no gradient to the tokens; its first has a loss of its own.
    loss = torch.nn.functional.cross_entropy(output.logits, labels) + sum(output.losses.values())
    loss.backward()
    for name, parameter in model.reducer.scorer.named_parameters():
        if name != "layers.2.bias":  # raising all scores together changes nothing
            assert parameter.grad.isfinite().all()
            assert parameter.grad.abs().max() > 0


def test_weights_are_exact_in_mixed_precision():
    torch.manual_seed(0)
    model = build_model({"reducer": {"name": "sparselearn", "k": K}, "aggregator": "abmil"}, 8, 2)
    batch = collate(planted_bags(3, seed=0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        tokens, scores = model.reducer.score(batch)
        alpha = model.reducer.weights(tokens, scores)
        model(batch)[0].logits.sum().backward()
    assert alpha.dtype == torch.float32
    torch.testing.assert_close(alpha.double().sum(dim=1), torch.full((3,), float(K)).double())
