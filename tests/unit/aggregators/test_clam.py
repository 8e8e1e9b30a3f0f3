"""CLAM against its formulas, written out slide by slide."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate

LENGTHS = [50, 9, 16, 1]
K = 8


def clam(n_classes: int = 3, **settings):
    torch.manual_seed(0)
    spec = {"name": "clam", "hidden_dim": 16, "attention_dim": 6, "dropout": 0.0, **settings}
    return build_aggregator(spec, 8, n_classes)


def softmax(scores):
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def reference(model, x, label):
    """Return logits, attention (branches, N) and instance loss of one slide."""
    w = {name: t.double().numpy() for name, t in model.state_dict().items()}
    h = np.maximum(x @ w["embed.0.weight"].T + w["embed.0.bias"], 0)
    content = np.tanh(h @ w["content.0.weight"].T + w["content.0.bias"])
    gate = 1 / (1 + np.exp(-(h @ w["gate.0.weight"].T + w["gate.0.bias"])))
    a = softmax((content * gate @ w["score.weight"].T + w["score.bias"]).T)
    pooled = a @ h
    if len(a) == 1:
        logits = w["classifier.weight"] @ pooled[0] + w["classifier.bias"]
    else:
        logits = (w["classifier.weight"] * pooled).sum(axis=1) + w["classifier.bias"]
    k, n_classes, total = min(K, len(x)), len(logits), 0.0
    for c in range(n_classes):
        order = np.argsort(-a[c if len(a) > 1 else 0], kind="stable")
        head = slice(2 * c, 2 * c + 2)
        log_p = np.log(softmax(h @ w["evidence.weight"][head].T + w["evidence.bias"][head]))
        if c == label:
            total -= (log_p[order[:k], 1].sum() + log_p[order[-k:], 0].sum()) / (2 * k)
        elif model.subtyping:
            total -= log_p[order[:k], 0].mean()
    return logits, a, total / n_classes if model.subtyping else total


@pytest.mark.parametrize("branches", [True, False])
@pytest.mark.parametrize("subtyping", [True, False])
def test_a_padded_batch_equals_the_formulas_slide_by_slide(branches, subtyping):
    model = clam(branches=branches, subtyping=subtyping)
    bags = random_bags(LENGTHS, n_classes=3)
    labels = torch.tensor([bag.label_index for bag in bags])
    output = model(collate(bags), labels)
    losses = []
    for i, bag in enumerate(bags):
        logits, a, loss = reference(model, bag.features.astype(float), bag.label_index)
        np.testing.assert_allclose(output.logits[i].detach(), logits, atol=1e-5)
        shown = a[logits.argmax()] if branches else a[0]
        np.testing.assert_allclose(output.attention[i, : len(shown)], shown, atol=1e-6)
        losses.append(loss)
    # The paper weighs the slide's loss 0.7 and this one 0.3; the loop's weight is 1.
    expected = 0.3 / 0.7 * np.mean(losses)
    assert float(output.losses["instance"]) == pytest.approx(expected, abs=1e-5)


def test_a_slide_of_one_tile_cannot_be_told_to_be_and_not_to_be_evidence():
    model = clam(n_classes=2)
    loss = model(collate(random_bags([1])), torch.tensor([0])).losses["instance"]
    assert float(loss) >= 3 / 7 * math.log(2) - 1e-6


def test_subtyping_follows_the_number_of_classes_unless_it_is_said():
    assert not clam(2).subtyping
    assert clam(3).subtyping
    assert clam(2, subtyping=True).subtyping


def test_no_loss_without_labels_or_weight():
    batch = collate(random_bags([5]))
    assert clam()(batch).losses == {}
    assert clam(instance_weight=0.0)(batch, torch.tensor([1])).losses == {}


def test_the_instance_loss_leaves_the_attention_alone():
    model = clam()
    model(collate(random_bags([12])), torch.tensor([1])).losses["instance"].backward()
    assert model.score.weight.grad is None
    assert model.embed[0].weight.grad.abs().max() > 0
