"""SPT: its encoder by formulas, its views by their statistics, its contrast by a loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from helpers.bag_factory import placed_bag
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.aggregators.spt import supervised_contrast
from slidesieve.aggregators.spt_views import draw_views
from slidesieve.bags import collate

FIELD = [(c, r) for r in range(30) for c in range(40)]


def spt(**settings):
    torch.manual_seed(0)
    small = {"hidden_dim": 16, "heads": 2, "contrast_dim": 8, **settings}
    return build_aggregator({"name": "spt", **small}, 8, 3).eval()


def reference(net, bag):
    """Logits and attention of a whole slide, written out."""
    place = torch.from_numpy((bag.coords - bag.coords.min(axis=0)) // 256).float().flip(1)
    phase = place @ net.position.frequencies.T
    waves = torch.cat([phase.cos(), phase.sin()], dim=1) / math.sqrt(96)
    x = net.embed(torch.from_numpy(bag.features)) + net.position.layers(waves)
    x = torch.cat([net.prefixes + net.prefix_positions, x])
    n, d = x.shape
    for layer in net.blocks:
        normed = layer.norm(x)
        q, k, v = (
            part.view(n, 2, -1).transpose(0, 1)
            for part in (layer.query(normed), *layer.key_value(normed).chunk(2, dim=1))
        )
        weights = (q @ k.transpose(1, 2) / (d // 2) ** 0.5).softmax(dim=-1)
        x = x + layer.project((weights @ v).transpose(0, 1).reshape(n, d))
        x = x + layer.mlp(x)
    attention = weights[:, 0, 8:].mean(dim=0)
    return net.classifier(net.norm(x[0])), attention / attention.sum()


def test_a_padded_batch_equals_the_encoder_slide_by_slide():
    net = spt()
    bags = [placed_bag(FIELD[:30], 0), placed_bag([(0, 0), (7, 3), (9, 9), (2, 1), (1, 1)], 1)]
    bags.append(placed_bag([(4, 4)], 2))
    with torch.no_grad():
        output = net(collate(bags))
        for i, bag in enumerate(bags):
            logits, attention = reference(net, bag)
            torch.testing.assert_close(output.logits[i], logits, atol=1e-5, rtol=1e-4)
            found = output.attention[i, : len(attention)]
            torch.testing.assert_close(found, attention, atol=1e-6, rtol=1e-4)


def test_the_contrast_equals_its_loop():
    torch.manual_seed(0)
    views = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    labels, tau = torch.tensor([0, 1, 0, 1, 2, 2]), 0.07
    total = 0.0
    for i in range(6):
        others = [a for a in range(6) if a != i]
        denominator = sum(math.exp(float(views[i] @ views[a]) / tau) for a in others)
        positives = [p for p in others if labels[p] == labels[i]]
        total -= sum(
            math.log(math.exp(float(views[i] @ views[p]) / tau) / denominator) for p in positives
        ) / len(positives)
    assert float(supervised_contrast(views, labels, tau)) == pytest.approx(total / 6, rel=1e-4)


def test_views_are_disjoint_boxes_of_the_sizes_that_are_told():
    torch.manual_seed(0)
    place = torch.tensor(FIELD)[None]
    mask = torch.ones(1, len(FIELD), dtype=torch.bool)
    sizes = []
    for _ in range(200):
        index, real = draw_views(place, mask)
        first, second = (set(row[there].tolist()) for row, there in zip(index, real, strict=True))
        assert first
        assert second
        assert not first & second
        for view in (first, second):
            spread = place[0, sorted(view)].float()
            extent = spread.max(dim=0).values - spread.min(dim=0).values + 1
            # Aspect at most 2 and area at most 200: no edge above 2 · √(200 / 2) + 1.
            assert extent.max() <= 21
        sizes += [len(first), len(second)]
    assert 2 < np.mean(sizes) < 100


@pytest.mark.parametrize("n_tokens", [1, 2, 3])
def test_no_view_of_few_tokens_is_empty(n_tokens):
    place = torch.tensor(FIELD[:n_tokens])[None]
    for seed in range(20):
        torch.manual_seed(seed)
        _, real = draw_views(place, torch.ones(1, n_tokens, dtype=torch.bool))
        assert real.any(dim=1).all()


def test_training_looks_at_both_views_and_use_at_the_whole_slide():
    net = spt().train()
    batch = collate([placed_bag(FIELD, 0), placed_bag(FIELD, 1)])
    output = net(batch, torch.tensor([0, 1]))
    assert set(output.losses) == {"second_view", "contrast"}
    assert (output.attention > 0).sum() < 400
    torch.testing.assert_close(output.attention.sum(dim=1), torch.ones(2))
    with torch.no_grad():
        whole = net.eval()(batch)
    assert whole.losses == {}
    assert (whole.attention > 0).all()
