"""DSMIL against its formulas, written out slide by slide."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate


def dsmil(**settings):
    torch.manual_seed(0)
    return build_aggregator({"name": "dsmil", "query_dim": 6, **settings}, 8, 3)


@pytest.mark.parametrize("value_layer", [False, True])
def test_a_padded_batch_equals_the_formulas_slide_by_slide(value_layer):
    model = dsmil(value_layer=value_layer)
    bags = random_bags([50, 9, 1])
    labels = torch.tensor([0, 1, 2])
    output = model(collate(bags), labels)
    w = {name: t.double() for name, t in model.state_dict().items()}
    critical = []
    for i, bag in enumerate(bags):
        x = torch.from_numpy(bag.features).double()
        c = x @ w["instance.weight"].T + w["instance.bias"]
        hidden = (x @ w["query.0.weight"].T + w["query.0.bias"]).relu()
        q = (hidden @ w["query.2.weight"].T + w["query.2.bias"]).tanh()
        v = (x @ w["value.1.weight"].T + w["value.1.bias"]).relu() if value_layer else x
        a = torch.softmax(q @ q[c.argmax(dim=0)].T / np.sqrt(6), dim=0)
        kernel = w["classifier.weight"].view(3, 3, 8)
        logits = torch.einsum("kcd,cd->k", kernel, a.T @ v) + w["classifier.bias"]
        torch.testing.assert_close(output.logits[i].double(), logits, atol=1e-5, rtol=1e-5)
        shown = a[:, logits.argmax()]
        torch.testing.assert_close(output.attention[i, : len(x)].double(), shown, atol=1e-6, rtol=0)
        critical.append(c.max(dim=0).values)
    expected = functional.cross_entropy(torch.stack(critical), labels)
    assert float(output.losses["max_instance"]) == pytest.approx(float(expected), abs=1e-5)


def test_weights_begin_orthogonal():
    weight = dsmil().instance.weight.detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(3), atol=1e-5, rtol=0)


def test_the_slides_loss_reaches_the_critical_tokens_query_and_not_the_instance_layer():
    model = dsmil()
    batch = collate(random_bags([7]))
    functional.cross_entropy(model(batch).logits, torch.tensor([1])).backward()
    assert model.instance.weight.grad is None
    assert model.query[0].weight.grad.abs().max() > 0
