"""ACMIL against its formulas, slide by slide."""

from __future__ import annotations

import torch
from torch.nn import functional

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate


def acmil(**settings):
    torch.manual_seed(0)
    sizes = {"hidden_dim": 12, "attention_dim": 6, "branches": 3}
    return build_aggregator({"name": "acmil", **sizes, **settings}, 8, 3).eval()


def test_a_padded_batch_equals_the_formulas_slide_by_slide():
    model, bags, labels = acmil(), random_bags([30, 9, 1]), torch.tensor([0, 1, 2])
    output = model(collate(bags), labels)
    w = {name: t.double() for name, t in model.state_dict().items()}
    branches, likeness = [], []
    for i, bag in enumerate(bags):
        h = (torch.from_numpy(bag.features).double() @ w["embed.0.weight"].T).relu()
        content = torch.tanh(h @ w["scores.content.weight"].T + w["scores.content.bias"])
        gate = torch.sigmoid(h @ w["scores.gate.weight"].T + w["scores.gate.bias"])
        a = (content * gate @ w["scores.score.weight"].T + w["scores.score.bias"]).softmax(0).T
        for k in range(3):
            z = a[k] @ h
            of_branch = w[f"branch_classifiers.{k}.weight"] @ z + w[f"branch_classifiers.{k}.bias"]
            branches.append(-of_branch.log_softmax(0)[labels[i]])
        cosines = [
            functional.cosine_similarity(a[j], a[k], dim=0) for j, k in ((0, 1), (0, 2), (1, 2))
        ]
        likeness.append(torch.stack(cosines).mean())
        logits = w["classifier.weight"] @ (a.mean(0) @ h) + w["classifier.bias"]
        torch.testing.assert_close(output.logits[i].double(), logits, atol=1e-5, rtol=1e-5)
        shown = output.attention[i, : len(h)].double()
        torch.testing.assert_close(shown, a.mean(0), atol=1e-6, rtol=0)
    for name, expected in (("branches", branches), ("likeness", likeness)):
        torch.testing.assert_close(output.losses[name].double(), torch.stack(expected).mean())


def test_a_branch_loses_some_of_the_tokens_it_leans_on_and_no_others():
    model = acmil(masked_tokens=5, masked_share=0.6)
    scores = torch.arange(12.0)[None].repeat(2, 1)
    mask = torch.ones(2, 12, dtype=torch.bool)
    mask[1, 2:] = False
    shown = [model._shown(scores, mask) for _ in range(5)]
    for of_draw in shown:
        assert of_draw[0, :7].all()
        assert of_draw[0, 7:].sum() == 2
        # Of two tokens ⌊0.6 · 2⌋ = 1 is lost, and padding is never shown.
        assert of_draw[1].sum() == 1
        assert not of_draw[1, 2:].any()
    assert len({tuple(of_draw[0].tolist()) for of_draw in shown}) > 1
    model.train()
    assert (model(collate(random_bags([6]))).attention > 0).sum() >= 2


def test_with_one_branch_and_no_masks_it_is_gated_abmil_with_one_classifier():
    model = acmil(branches=1, masked_tokens=0).train()
    output = model(collate(random_bags([9, 4])), torch.tensor([0, 1]))
    assert output.losses == {}
