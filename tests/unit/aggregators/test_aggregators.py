"""Aggregators against their formulas."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators.layers import masked_softmax
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate
from slidesieve.errors import ConfigError


def weights_of(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: t.double().numpy() for name, t in module.state_dict().items()}


@pytest.mark.parametrize("gated", [True, False])
@pytest.mark.parametrize("hidden_dim", [16, None])
@pytest.mark.parametrize("heads", [1, 3])
def test_abmil_equals_its_formula(gated, hidden_dim, heads):
    torch.manual_seed(0)
    spec = {"gated": gated, "hidden_dim": hidden_dim, "attention_dim": 6, "heads": heads}
    model = build_aggregator({"name": "abmil", **spec}, dim=8, n_classes=3).eval()
    bags = random_bags([7, 3])
    output = model(collate(bags))
    w = weights_of(model)
    for b, bag in enumerate(bags):
        h = bag.features.astype(float)
        if hidden_dim is not None:
            h = np.maximum(h @ w["embed.0.weight"].T + w["embed.0.bias"], 0)
        hidden = np.tanh(h @ w["content.0.weight"].T + w["content.0.bias"])
        if gated:
            hidden = hidden / (1 + np.exp(-(h @ w["gate.0.weight"].T + w["gate.0.bias"])))
        scores = hidden @ w["score.weight"].T + w["score.bias"]
        of_heads = np.exp(scores) / np.exp(scores).sum(axis=0)
        attention = of_heads.mean(axis=1)
        pooled = np.concatenate([of_head @ h for of_head in of_heads.T])
        logits = w["classifier.weight"] @ pooled + w["classifier.bias"]
        np.testing.assert_allclose(output.attention[b, : len(h)].detach(), attention, atol=1e-6)
        np.testing.assert_allclose(output.embedding[b].detach(), pooled, atol=1e-6)
        np.testing.assert_allclose(output.logits[b].detach(), logits, atol=1e-6)


def test_mean_and_max_equal_their_formulas():
    torch.manual_seed(0)
    bags = random_bags([7, 3])
    batch = collate(bags)
    mean = build_aggregator({"name": "mean", "hidden_dim": 16}, 8, 3).eval()
    maximum = build_aggregator({"name": "max", "hidden_dim": 16}, 8, 3).eval()
    mean_output, max_output = mean(batch), maximum(batch)
    of_mean, of_max = weights_of(mean), weights_of(maximum)
    for b, bag in enumerate(bags):
        h = np.maximum(bag.features @ of_mean["embed.0.weight"].T + of_mean["embed.0.bias"], 0)
        expected = of_mean["classifier.weight"] @ h.mean(axis=0) + of_mean["classifier.bias"]
        np.testing.assert_allclose(mean_output.logits[b].detach(), expected, atol=1e-6)
        np.testing.assert_allclose(mean_output.attention[b, : len(h)], 1 / len(h), rtol=1e-6)

        scores = bag.features @ of_max["linear.weight"].T + of_max["linear.bias"]
        pooled = np.maximum(scores, 0).max(axis=0)
        expected = of_max["classifier.weight"] @ pooled + of_max["classifier.bias"]
        np.testing.assert_allclose(max_output.logits[b].detach(), expected, atol=1e-6)
        won = np.bincount(scores.argmax(axis=0), minlength=len(h)) / 16
        np.testing.assert_allclose(max_output.attention[b, : len(h)], won, atol=1e-6)


def test_masked_softmax_of_half_precision_scores_neither_overflows_nor_underflows():
    scores = torch.full((1, 70_000), 60_000.0, dtype=torch.float16)
    mask = torch.ones_like(scores, dtype=torch.bool)
    mask[0, 66_000:] = False
    attention = masked_softmax(scores, mask)
    assert attention.dtype == torch.float32
    assert torch.allclose(attention[0, :66_000], torch.tensor(1 / 66_000))
    assert attention.sum().item() == pytest.approx(1, abs=1e-3)


def test_attention_of_large_bags_survives_mixed_precision():
    torch.manual_seed(0)
    model = build_aggregator({"name": "abmil", "hidden_dim": None}, 8, 2).eval()
    batch = collate(random_bags([40_000]))
    batch = dataclasses.replace(batch, features=batch.features * 0.01 + 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled = model(batch).embedding
    assert torch.allclose(pooled, batch.features.mean(dim=1), atol=2e-3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("clamm", "aggregator: no 'clamm'; did you mean 'clam'. allowed: .*abmil, .*max, mean"),
        ({"aggregator": "abmil"}, "expected a name or"),
        (
            {"name": "abmil", "gate": True},
            "unknown key 'gate'; did you mean 'gated'",
        ),
        ({"name": "abmil", "gated": 1}, "gated: 1 must be true or false"),
        ({"name": "abmil", "hidden_dim": True}, "hidden_dim: true must be a whole number"),
        ({"name": "abmil", "hidden_dim": 0}, "hidden_dim: 0 must be a whole number of at least 1"),
        ({"name": "abmil", "hidden_dim": None, "dropout": 1.5}, "dropout: 1.5"),
        ({"name": "abmil", "attention_dim": 0}, "attention_dim: 0"),
        ({"name": "abmil", "dim": 3}, "unknown key 'dim'"),
        ({"name": "mean", "dropout": -0.1}, "dropout: -0.1"),
    ],
)
def test_wrong_specs_are_refused(spec, message):
    with pytest.raises(ConfigError, match=message):
        build_aggregator(spec, 8, 2)
