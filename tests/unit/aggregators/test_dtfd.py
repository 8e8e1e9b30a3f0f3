"""DTFD-MIL against its formulas, pseudo-bag by pseudo-bag."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate

CLASSES = 3


def dtfd(**settings):
    torch.manual_seed(0)
    sizes = {"hidden_dim": 12, "attention_dim": 6}
    return build_aggregator({"name": "dtfd", **sizes, **settings}, 8, CLASSES).eval()


def scores_of(w, tier, h):
    content = torch.tanh(h @ w[f"{tier}.content.weight"].T + w[f"{tier}.content.bias"])
    gate = torch.sigmoid(h @ w[f"{tier}.gate.weight"].T + w[f"{tier}.gate.bias"])
    return (content * gate @ w[f"{tier}.score.weight"].T + w[f"{tier}.score.bias"])[:, 0]


def by_formula(model, x, label, distil, k=1):
    """Logits, attention, loss of the pseudo-bags, of one slide whose tokens are dealt."""
    w = {name: t.double() for name, t in model.state_dict().items()}
    h = (x @ w["embed.0.weight"].T).relu()
    e = scores_of(w, "scores", h)
    n_bags = min(4, len(x))
    dealt = [e.argsort(descending=True)[g::n_bags] for g in range(n_bags)]
    states, owners, losses = [], [], []
    for members in dealt:
        a = e[members].softmax(0)
        z = a @ h[members]
        y = w["first_classifier.weight"] @ z + w["first_classifier.bias"]
        losses.append(-y.log_softmax(0)[label])
        of_token = (a[:, None] * h[members] @ w["first_classifier.weight"].T).softmax(1)
        order = members[of_token[:, y.argmax()].argsort(descending=True)]
        if distil == "afs":
            states.append(z)
            owners.append({int(i): float(share) for i, share in zip(members, a, strict=True)})
        else:
            for i in [*order[:k], *order[-k:]]:
                states.append(h[i])
                owners.append({int(i): 1.0})
    weights = scores_of(w, "second_scores", torch.stack(states)).softmax(0)
    slide = weights @ torch.stack(states)
    attention = torch.zeros(len(x), dtype=torch.float64)
    for weight, owner in zip(weights, owners, strict=True):
        for i, share in owner.items():
            attention[i] += weight * share
    logits = w["classifier.weight"] @ slide + w["classifier.bias"]
    return logits, attention, torch.stack(losses).mean()


@pytest.mark.parametrize(("distil", "k"), [("afs", 1), ("maxmin", 1), ("maxmin", 2)])
def test_a_padded_batch_equals_the_formulas_slide_by_slide(distil, k):
    model = dtfd(distil=distil, instances=k)
    bags = random_bags([33, 9, 3, 1])
    labels = torch.tensor([0, 1, 2, 1])
    output, losses = model(collate(bags), labels), []
    for i, bag in enumerate(bags):
        x = torch.from_numpy(bag.features).double()
        logits, attention, loss = by_formula(model, x, labels[i], distil, k)
        torch.testing.assert_close(output.logits[i].double(), logits, atol=1e-5, rtol=1e-5)
        shown = output.attention[i, : len(x)].double()
        torch.testing.assert_close(shown, attention, atol=1e-6, rtol=0)
        losses.append(loss)
    expected = torch.stack(losses).mean()
    torch.testing.assert_close(output.losses["pseudo_bags"].double(), expected)


def test_in_training_pseudo_bags_are_drawn_and_of_equal_size():
    model = dtfd().train()
    mask = torch.ones(1, 10, dtype=torch.bool)
    drawn = [model._members(torch.zeros(1, 10), mask) for _ in range(2)]
    for own in drawn:
        assert own.sum(dim=1).eq(1).all()
        assert sorted(own.sum(dim=2)[0].tolist()) == [2, 2, 3, 3]
    assert not torch.equal(*drawn)


def test_the_second_tiers_loss_trains_the_second_tier_alone():
    model = dtfd()
    labels = torch.tensor([1])
    output = model(collate(random_bags([9])), labels)
    functional.cross_entropy(output.logits, labels).backward()
    trained = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert trained == {"second_scores", "classifier"}
