"""HIPT against its layers, written out region by region."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from helpers.bag_factory import placed_bag
from slidesieve.aggregators import hipt
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate


def model():
    torch.manual_seed(0)
    spec = {"name": "hipt", "hidden_dim": 12, "depth": 2, "heads": 3, "region_heads": 2}
    return build_aggregator(spec, 8, 3).eval()


def block(layer, x):
    """A pre-norm block, by torch's own attention."""
    b, n, d = x.shape
    normed = layer.norm(x)
    q = layer.query(normed)
    k, v = layer.key_value(normed).chunk(2, dim=-1)
    heads = [part.view(b, n, layer.heads, -1).transpose(1, 2) for part in (q, k, v)]
    weights = (heads[0] @ heads[1].transpose(-1, -2) / (d // layer.heads) ** 0.5).softmax(dim=-1)
    x = x + layer.project((weights @ heads[2]).transpose(1, 2).reshape(b, n, d))
    return x + layer.mlp(x), weights[:, :, 0, 1:].mean(dim=1)[0]


def reference(net, bag):
    """Logits and attention of one slide, region by region; a token per place."""
    place = torch.from_numpy((bag.coords - bag.coords.min(axis=0)) // 256)
    region = place // 16
    u = functional.gelu(net.embed[0](torch.from_numpy(bag.features)))
    states, shares, members = [], [], []
    for wanted in torch.unique(region.flip(1), dim=0).flip(1):
        inside = (region == wanted).all(dim=1).nonzero().flatten()
        column, row = (place[inside] % 16).T
        x = u[inside] + net.local.positions[1 + row * 16 + column]
        x = torch.cat([(net.local.class_token + net.local.positions[0])[None], x])[None]
        for layer in net.local.blocks:
            x, attention = block(layer, x)
        states.append(net.local.norm(x[0, 0]))
        shares.append(attention / attention.sum())
        members.append(inside)
    r = net.over_regions(net.region(torch.stack(states))[None])[0]
    alpha = net.score(net.content(r) * net.gate(r))[:, 0].softmax(dim=0)
    attention = torch.zeros(len(u))
    for weight, share, inside in zip(alpha, shares, members, strict=True):
        attention[inside] = weight * share
    return net.classifier(net.last(alpha @ r)), attention


def test_a_padded_batch_equals_the_layers_slide_by_slide(monkeypatch):
    net = model()
    rng = np.random.default_rng(1)
    spread = [(c, r) for c, r in rng.integers(0, 40, (90, 2)).tolist()]
    bags = [
        placed_bag(sorted(set(spread)), 1),
        placed_bag([(0, 0)], 2),
        placed_bag([(15, 0), (16, 0)], 3),
    ]
    with torch.no_grad():
        output = net(collate(bags))
        for i, bag in enumerate(bags):
            logits, attention = reference(net, bag)
            torch.testing.assert_close(output.logits[i], logits, atol=1e-5, rtol=1e-4)
            found = output.attention[i, : len(attention)]
            torch.testing.assert_close(found, attention, atol=1e-6, rtol=1e-4)
        monkeypatch.setattr(hipt, "_AT_ONCE", 10)
        torch.testing.assert_close(net(collate(bags)).logits, output.logits, atol=1e-5, rtol=1e-4)


def test_regions_are_cut_at_multiples_of_sixteen_from_the_slides_corner():
    net = model()
    field = [(c, r) for r in range(16) for c in range(16)]
    grid = hipt.to_grid(collate([placed_bag([(c + 5, r + 7) for c, r in field])]))
    regions, region = hipt.regions_of(grid)
    assert len(regions) == 1
    assert not region.any()
    place = 16 * (grid.row % 16) + grid.column % 16
    assert torch.equal(place, torch.arange(256))
    assert net.local.positions.shape == (257, 12)


def test_pools_in_place_of_transformers_equal_their_formulas_region_by_region():
    torch.manual_seed(0)
    model = build_aggregator({"name": "hipt_pools", "hidden_dim": 6}, 8, 3).eval()
    cells = [(c, r) for r in range(20) for c in range(18) if (c + r) % 3]
    bags = [placed_bag(cells), placed_bag([(0, 0)], 1)]
    output = model(collate(bags))
    w = {name: t.double() for name, t in model.state_dict().items()}

    def layer(x, name):
        return (x @ w[f"{name}.0.weight"].T + w[f"{name}.0.bias"]).relu()

    def pool(x, name):
        content = torch.tanh(x @ w[f"{name}.content.weight"].T + w[f"{name}.content.bias"])
        gate = torch.sigmoid(x @ w[f"{name}.gate.weight"].T + w[f"{name}.gate.bias"])
        a = (content * gate @ w[f"{name}.score.weight"].T + w[f"{name}.score.bias"])[:, 0].softmax(
            0
        )
        return a @ x, a

    for b, bag in enumerate(bags):
        h = layer(torch.from_numpy(bag.features).double(), "embed")
        region = torch.from_numpy(bag.coords // 256 // 16) @ torch.tensor([1, 2])
        numbers = region.unique().tolist()
        found = [pool(h[region == number], "scores") for number in numbers]
        slide, weights = pool(layer(torch.stack([r for r, _ in found]), "region"), "region_scores")
        logits = w["classifier.weight"] @ layer(slide[None], "last")[0] + w["classifier.bias"]
        torch.testing.assert_close(output.logits[b].double(), logits, atol=1e-5, rtol=1e-5)
        for number, weight, (_, a) in zip(numbers, weights, found, strict=True):
            shown = output.attention[b, : len(h)][region == number].double()
            torch.testing.assert_close(shown, weight * a, atol=1e-6, rtol=0)
