"""ILRA against its formulas, written out slide by slide and head by head."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate

HEADS, WIDTH = 2, 12


def normed(x, weight, bias):
    centred = x - x.mean(1, keepdim=True)
    return centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt() * weight + bias


def attend(w, queries, keys, norm):
    """Att of the docstring for Q (q, ·) and K (k, ·); weights `w` of one attention."""
    q, k, v = (
        x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
        for name, x in (("query", queries), ("key", keys), ("value", keys))
    )
    inner = [
        x @ weight.T + bias
        for x, weight, bias in zip(
            (q, k, v),
            w["attend.in_proj_weight"].chunk(3),
            w["attend.in_proj_bias"].chunk(3),
            strict=True,
        )
    ]
    per_head = WIDTH // HEADS
    answers, shares = [], []
    for head in range(HEADS):
        columns = slice(head * per_head, (head + 1) * per_head)
        a, b, c = (part[:, columns] for part in inner)
        shares.append((a @ b.T / per_head**0.5).softmax(1))
        answers.append(shares[-1] @ c)
    found = torch.cat(answers, 1) @ w["attend.out_proj.weight"].T + w["attend.out_proj.bias"]
    o = q + found
    if norm:
        o = normed(o, w["norms.0.weight"], w["norms.0.bias"])
    o = o + (o @ w["after.weight"].T + w["after.bias"]).relu()
    if norm:
        o = normed(o, w["norms.1.weight"], w["norms.1.bias"])
    if "gate.0.weight" in w:
        gate = queries @ w["gate.0.weight"].T + w["gate.0.bias"]
        o = o * gate * torch.sigmoid(gate)
    return o, torch.stack(shares).mean(0)


@pytest.mark.parametrize(("rank", "norm"), [(3, True), (1, False)])
def test_a_padded_batch_equals_the_formulas_slide_by_slide(rank, norm):
    torch.manual_seed(0)
    spec = {"name": "ilra", "hidden_dim": WIDTH, "heads": HEADS, "rank": rank, "norm": norm}
    model, bags = build_aggregator(spec, 8, 3).eval(), random_bags([30, 9, 1])
    output = model(collate(bags))
    weights = {name: t.double() for name, t in model.state_dict().items()}

    def of(prefix):
        return {k.removeprefix(prefix): t for k, t in weights.items() if k.startswith(prefix)}

    for i, bag in enumerate(bags):
        x = torch.from_numpy(bag.features).double()
        for layer in range(2):
            latents = weights[f"blocks.{layer}.latents"][0]
            h, _ = attend(of(f"blocks.{layer}.gather."), latents, x, norm)
            x, _ = attend(of(f"blocks.{layer}.spread."), x, h, norm)
        z, attention = attend(of("pool."), weights["seed"][0], x, norm)
        logits = weights["classifier.weight"] @ z[0] + weights["classifier.bias"]
        torch.testing.assert_close(output.logits[i].double(), logits, atol=1e-5, rtol=1e-4)
        shown = output.attention[i, : len(x)].double()
        torch.testing.assert_close(shown, attention[0], atol=1e-6, rtol=0)
