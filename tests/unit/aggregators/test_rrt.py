"""RRT-MIL against its formulas, written out slide by slide, region by region, head by head."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators import rrt
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate
from slidesieve.errors import ConfigError

HEADS, WIDTH, REGIONS, KERNEL = 2, 12, 2, 3


def model_of(**settings):
    torch.manual_seed(0)
    sizes = {"hidden_dim": WIDTH, "heads": HEADS, "cross_heads": HEADS, "attention_dim": 6}
    spec = {"name": "rrt", **sizes, "regions": REGIONS, "kernel": KERNEL, **settings}
    model = build_aggregator(spec, 8, 3).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def attend(w, x, kernel=None):
    """Attention among the rows of x, (P, H), with a convolution along the queries."""
    q, k, v = (x @ w["query_key_value.weight"].T + w["query_key_value.bias"]).chunk(3, 1)
    per_head, answers = WIDTH // HEADS, []
    for head in range(HEADS):
        columns = slice(head * per_head, (head + 1) * per_head)
        logits = q[:, columns] @ k[:, columns].T / sqrt(per_head)
        if kernel:
            shifted = torch.zeros_like(logits)
            for row in range(len(x)):
                for step in range(kernel):
                    source = row + step - kernel // 2
                    if 0 <= source < len(x):
                        shifted[row] += w["position.weight"][head, 0, step, 0] * logits[source]
            logits = logits + shifted + w["position.bias"][head]
        answers.append(logits.softmax(1) @ v[:, columns])
    return torch.cat(answers, 1) @ w["project.0.weight"].T + w["project.0.bias"]


def places_of_regions(n_tokens):
    """Places in the list of each region of the square, row by row; -1 where it is free."""
    side = ceil(sqrt(n_tokens))
    side += -side % REGIONS
    places = np.arange(side * side).reshape(side, side)
    places[places >= n_tokens] = -1
    step = side // REGIONS
    return [
        places[r * step : (r + 1) * step, c * step : (c + 1) * step].flatten()
        for r in range(REGIONS)
        for c in range(REGIONS)
    ]


def by_formula(model, x, shortcut):
    w = {name: t.double() for name, t in model.state_dict().items()}

    def of(prefix):
        return {k.removeprefix(prefix): t for k, t in w.items() if k.startswith(prefix)}

    def norm(states, name):
        shape = (WIDTH,)
        return torch.layer_norm(states, shape, w[f"{name}.weight"], w[f"{name}.bias"])

    def regions_of(states):
        free = torch.cat([states, states.new_zeros(1, WIDTH)])
        return [free[places] for places in places_of_regions(len(states))]

    def put_back(states, found):
        for places, answers in zip(places_of_regions(len(states)), found, strict=True):
            for place, answer in zip(places, answers, strict=True):
                if place >= 0:
                    states[place] += answer
        return states

    embedded = (x @ w["embed.0.weight"].T + w["embed.0.bias"]).relu()
    h = embedded.clone()
    h = put_back(h, [attend(of("within."), r, KERNEL) for r in regions_of(norm(h, "first_norm"))])
    regions = regions_of(norm(h, "second_norm"))
    logits = [(region @ w["phi"]).T for region in regions]
    gathered = torch.stack(
        [each.softmax(1) @ region for each, region in zip(logits, regions, strict=True)]
    )
    answers = torch.stack([attend(of("across."), gathered[:, j]) for j in range(3)], dim=1)
    found = []
    for each, answer in zip(logits, answers, strict=True):
        least, most = each.amin(1, keepdim=True), each.amax(1, keepdim=True)
        share = each.softmax(0) * (each - least) / (most - least + 1e-8)
        found.append(share.T @ answer)
    h = put_back(h, found)
    h = norm(h + embedded if shortcut else h, "norm")
    scores = torch.tanh(h @ w["content.0.weight"].T) @ w["score.weight"].T
    attention = scores[:, 0].softmax(0)
    return w["classifier.weight"] @ (attention @ h) + w["classifier.bias"], attention


@pytest.mark.parametrize("shortcut", [False, True])
def test_a_padded_batch_equals_the_formulas_slide_by_slide(shortcut, monkeypatch):
    # Few numbers at once, so that regions come after one another.
    monkeypatch.setattr(rrt, "_MOST_NUMBERS", 200)
    model, bags = model_of(shortcut=shortcut), random_bags([30, 9, 1])
    output = model(collate(bags))
    for i, bag in enumerate(bags):
        x = torch.from_numpy(bag.features).double()
        logits, attention = by_formula(model, x, shortcut)
        torch.testing.assert_close(output.logits[i].double(), logits, atol=1e-4, rtol=1e-4)
        shown = output.attention[i, : len(x)].double()
        torch.testing.assert_close(shown, attention, atol=1e-5, rtol=0)


def test_an_even_kernel_is_refused():
    with pytest.raises(ConfigError, match="kernel 4 is not odd"):
        model_of(kernel=4)
