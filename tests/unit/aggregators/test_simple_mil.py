"""SimpleMIL against its formulas, window by window."""

from __future__ import annotations

import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate


def simple_mil(dim=20, **settings):
    torch.manual_seed(0)
    spec = {"name": "simple_mil", "channels": 8, "dropout": 0.0, **settings}
    return build_aggregator(spec, dim, 3).eval()


def attention_of(w, x, channels):
    content = torch.tanh(x[:, channels] @ w["content.weight"][:, channels].T + w["content.bias"])
    gate = torch.sigmoid(x[:, channels] @ w["gate.weight"][:, channels].T + w["gate.bias"])
    return (content * gate @ w["score.weight"].T + w["score.bias"])[:, 0].softmax(0)


def test_logits_are_the_mean_over_windows_that_cover_all_channels():
    model, bags = simple_mil(), random_bags([30, 9, 1], dim=20)
    output = model(collate(bags))
    w = {name: t.double() for name, t in model.state_dict().items()}
    order = model.order.tolist()
    # 8 of 20 channels, a window every 2, the last one ending with the last channel.
    windows = [order[start : start + 8] for start in range(0, 13, 2)]
    assert {channel for window in windows for channel in window} == set(range(20))
    for i, bag in enumerate(bags):
        x = torch.from_numpy(bag.features).double()
        found = [attention_of(w, x, channels) for channels in windows]
        logits = [w["classifier.weight"] @ (a @ x) + w["classifier.bias"] for a in found]
        expected = torch.stack(logits).mean(0)
        torch.testing.assert_close(output.logits[i].double(), expected, atol=1e-5, rtol=1e-5)
        shown = output.attention[i, : len(x)].double()
        torch.testing.assert_close(shown, torch.stack(found).mean(0), atol=1e-6, rtol=0)


def test_narrow_features_are_seen_whole():
    model = simple_mil(dim=6)
    (window,) = model._windows()
    assert sorted(window.tolist()) == list(range(6))


def test_in_training_it_sees_drawn_channels_and_at_most_half_the_median_bag():
    model, bags = simple_mil(), random_bags([40, 20, 4], dim=20)
    model.prepare([collate([bag]) for bag in bags])
    model.train()
    (first,), (second,) = model._windows(), model._windows()
    assert len(first) == len(set(first.tolist())) == 8
    assert not torch.equal(first, second)
    output = model(collate(bags))
    assert (output.attention > 0).sum(dim=1).tolist() == [10, 10, 4]
