"""MHIM-MIL, version 2, against its formulas, slide by slide and head by head."""

from __future__ import annotations

import math

import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate

HEADS, INNER = 2, 4


def mhim2(**settings):
    torch.manual_seed(0)
    sizes = {"hidden_dim": 12, "attention_dim": 6, "merge_heads": HEADS, "merge_head_dim": INNER}
    none = {"dropout": 0.0, "merge_dropout": 0.0, "merged_tokens": 2}
    spec = {"name": "mhim2", **sizes, **none, "mask_high": 0.2, "keep": 0.5, **settings}
    model = build_aggregator(spec, 8, 3).train()
    with torch.no_grad():
        for parameter in (*model.teacher_pool.parameters(), *model.teacher_classifier.parameters()):
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def pool(w, name, u):
    return (
        torch.nn.functional.gelu(u @ w[f"{name}.content.0.weight"].T) @ w[f"{name}.score.weight"].T
    )[:, 0].softmax(0)


def merged(w, u):
    """M of the docstring, for the rows of u."""

    def norm(x):
        return torch.layer_norm(x, (12,), w["merge.norm.weight"], w["merge.norm.bias"])

    q = norm(w["merge.queries"]) @ w["merge.query.weight"].T
    k, v = (norm(u) @ w["merge.key_value.weight"].T).chunk(2, 1)
    heads = [slice(h * INNER, (h + 1) * INNER) for h in range(HEADS)]
    answers = [(q[:, h] @ k[:, h].T / math.sqrt(INNER)).softmax(1) @ v[:, h] for h in heads]
    return torch.cat(answers, 1) @ w["merge.project.0.weight"].T + w["merge.project.0.bias"]


def test_a_padded_batch_equals_the_formulas_slide_by_slide(monkeypatch):
    model, bags = mhim2(), random_bags([30, 9, 1])
    w = {name: t.double() for name, t in model.state_dict().items()}
    divided = []
    divide = model._divided
    monkeypatch.setattr(
        model, "_divided", lambda *given: divided.append(divide(*given)) or divided[0]
    )
    output = model(collate(bags), torch.tensor([0, 1, 2]))
    losses, answers = [], []
    (stays, rest), *_ = divided
    for i, bag in enumerate(bags):
        x = torch.from_numpy(bag.features).double()
        u_t = (x @ w["teacher_pool.embed.0.weight"].T + w["teacher_pool.embed.0.bias"]).relu()
        a_t = pool(w, "teacher_pool", u_t)
        scores = (a_t[:, None] * (u_t @ w["teacher_classifier.weight"].T)).softmax(1).amax(1)
        hidden = set(scores.argsort(descending=True)[: math.ceil(0.2 * len(x))].tolist())
        left = (stays | rest)[i, : len(x)]
        assert set((~left).nonzero().flatten().tolist()) == (hidden if len(x) > 1 else set())
        assert int(stays[i].sum()) == math.floor(0.5 * int(left.sum()))
        u = (x @ w["pool.embed.0.weight"].T + w["pool.embed.0.bias"]).relu()
        answers.append(merged(w, u[rest[i, : len(x)]]))
        seen = torch.cat([u[stays[i, : len(x)]], answers[-1]])
        z = pool(w, "pool", seen) @ seen
        logits = w["classifier.weight"] @ z + w["classifier.bias"]
        torch.testing.assert_close(output.logits[i].double(), logits, atol=1e-5, rtol=1e-4)
        losses.append(-((a_t @ u_t / 0.1).softmax(0) * z.log_softmax(0)).sum())
    expected = 0.5 * torch.stack(losses).mean()
    torch.testing.assert_close(output.losses["consistency"].double(), expected)
    torch.testing.assert_close(output.attention.sum(dim=1), torch.ones(3))
    assert not output.attention[~(stays | rest)].any()
    model.after_step()
    follow = 0.9999 * w["merge.queries"] + 0.0001 * torch.stack(answers).mean(0)
    torch.testing.assert_close(model.merge.queries.double(), follow)


def test_a_step_in_two_passes_moves_the_queries_as_one_pass():
    def follow(*groups):
        model = mhim2(merge_momentum=0.5, mask_high=0.0, keep=0.0)
        for bags in groups:
            model(collate(bags), torch.tensor([bag.label_index for bag in bags]))
        model.after_step()
        return model.merge.queries

    bags = random_bags([12, 5, 3])
    torch.testing.assert_close(follow(bags), follow(bags[:2], bags[2:]))


def test_the_teacher_with_its_classifier_is_a_moving_average():
    model = mhim2(momentum=0.9)
    before = [p.clone() for p in model.teacher_classifier.parameters()]
    model.after_step()
    leaders = model.classifier.parameters()
    for mine, old, theirs in zip(
        model.teacher_classifier.parameters(), before, leaders, strict=True
    ):
        torch.testing.assert_close(mine, 0.9 * old + 0.1 * theirs)


@pytest.mark.parametrize("n_tokens", [1, 2, 7])
def test_something_is_always_left_to_merge(n_tokens):
    model = mhim2(mask_high=1.0, keep=0.999)
    mask = torch.ones(1, n_tokens, dtype=torch.bool)
    stays, rest = model._divided(torch.rand(1, n_tokens), mask)
    assert rest.any()
    assert not (stays & rest).any()


def test_in_use_nothing_is_masked_or_merged():
    model = mhim2()
    batch = collate(random_bags([9, 4]))
    used = model.eval()(batch)
    plain = mhim2(mask_high=0.0).eval()(batch)
    torch.testing.assert_close(used.logits, plain.logits)
    assert (used.attention > 0).sum() == 13
