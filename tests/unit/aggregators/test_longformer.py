"""Longformer against the dense definition: all pairs of tokens under a mask."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import placed_bag
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate
from slidesieve.nn import windows


def longformer(**settings):
    torch.manual_seed(0)
    small = {"hidden_dim": 12, "depth": 3, "heads": 2, "window": 3, **settings}
    return build_aggregator({"name": "longformer", **small}, 8, 3).eval()


def dense(net, bag):
    """Logits and attention of one slide; a token per place."""
    place = torch.from_numpy((bag.coords - bag.coords.min(axis=0)) // 256)
    block = place // net.window
    near = (block[:, None] - block).abs().amax(dim=2) <= 1
    # The global token is the last one; all see it.
    near = torch.nn.functional.pad(near, (0, 1), value=True)
    x = net.embed(torch.from_numpy(bag.features))
    own = net.class_token[None]

    def heads(states):
        return states.unflatten(-1, (2, -1)).transpose(0, 1)

    def over_all(layer, cells, token):
        k, v = layer.key_value(torch.cat([cells, token])).chunk(2, dim=-1)
        q = heads(layer.query(token))
        weights = (q @ heads(k).transpose(1, 2) * q.shape[-1] ** -0.5).softmax(dim=-1)
        share = weights[:, 0, :-1].mean(dim=0)
        return layer.project((weights @ heads(v)).transpose(0, 1).flatten(1)), share / share.sum()

    for layer in net.blocks:
        cells, token = layer.norm(x), layer.norm(own)
        k, v = layer.key_value(torch.cat([cells, token])).chunk(2, dim=-1)
        q = heads(layer.query(cells))
        logits = q @ heads(k).transpose(1, 2) * q.shape[-1] ** -0.5
        weights = logits.masked_fill(~near, -torch.inf).softmax(dim=-1)
        x_new = x + layer.project((weights @ heads(v)).transpose(0, 1).flatten(1))
        own = own + over_all(layer.over_all, cells, token)[0]
        x, own = x_new + layer.mlp(x_new), own + layer.mlp(own)
    answer, share = over_all(net.last.over_all, net.last.norm(x), net.last.norm(own))
    own = own + answer
    own = net.norm(own + net.last.mlp(own))
    return net.classifier(own)[0], share


FULL = [(c, r) for r in range(10) for c in range(17)]
HOLES = [(c, r) for c, r in FULL if (c * 7 + r * 5) % 11 > 4]


@pytest.mark.parametrize("at_once", [1, 64])
def test_a_padded_batch_equals_the_dense_definition(monkeypatch, at_once):
    monkeypatch.setattr(windows, "_AT_ONCE", at_once)
    net = longformer()
    shapes = [FULL, HOLES, [(0, 0)], [(0, r) for r in range(8)], [(0, 0), (1, 0), (50, 40)]]
    bags = [placed_bag(cells, seed) for seed, cells in enumerate(shapes)]
    with torch.no_grad():
        output = net(collate(bags))
        for i, bag in enumerate(bags):
            logits, share = dense(net, bag)
            torch.testing.assert_close(output.logits[i], logits, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(
                output.attention[i, : len(share)], share, atol=1e-6, rtol=1e-4
            )


def test_tokens_beyond_the_windows_around_are_seen_through_the_global_token_alone():
    net = longformer(depth=2)
    cells = [(0, 0), (3, 0), (6, 0)]
    near, far = torch.zeros(3), torch.zeros(3)
    for other, reach in ((1, near), (2, far)):
        features = collate([placed_bag(cells)]).features.clone().requires_grad_()
        batch = collate([placed_bag(cells)]).with_features(features)
        grid_cells = net.embed(batch.features[batch.mask])
        parts = windows.Windows.of(_grid(batch), 3, 1)
        out, _ = net.blocks[0](grid_cells, net.class_token[None], parts)
        out[0].sum().backward()
        reach[0] = features.grad[0, other].abs().sum()
    assert near[0] > 0
    assert far[0] == 0


def _grid(batch):
    from slidesieve.nn.grid import to_grid

    return to_grid(batch)
