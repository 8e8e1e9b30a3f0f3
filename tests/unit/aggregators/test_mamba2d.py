"""2DMambaMIL against its recurrence, written out place by place."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from helpers.bag_factory import placed_bag
from slidesieve.aggregators import mamba2d
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.bags import collate
from slidesieve.errors import ContractError


def model():
    torch.manual_seed(0)
    small = {"hidden_dim": 12, "attention_dim": 6, "state_dim": 4}
    net = build_aggregator({"name": "mamba2d", **small}, 8, 3).eval()
    with torch.no_grad():
        net.mamba.skip.uniform_(-1, 1)
        net.mamba.log_decay.add_(torch.randn_like(net.mamba.log_decay) * 0.1)
    return net


def mixed(layer, flat, height, width):
    """The layer by its formulas: a convolution by hand and the recurrence of every place."""
    x, z = (flat @ layer.enter.weight.T).chunk(2, dim=1)
    kernel = layer.convolution.weight[:, 0]
    before = torch.cat([torch.zeros(3, x.shape[1]), x])
    x = torch.stack([(before[t : t + 4] * kernel.T).sum(dim=0) for t in range(len(x))])
    x = functional.silu(x + layer.convolution.bias)
    rank, n_states, _ = layer.split
    step, b, c = (x @ layer.select.weight.T).split([rank, n_states, n_states], dim=1)
    step = functional.softplus(step @ layer.step.weight.T + layer.step.bias)
    a = -layer.log_decay.exp()
    zero = torch.zeros_like(a)
    s, h, y = {}, {}, []
    for i in range(height):
        for j in range(width):
            t = i * width + j
            decay = (step[t, :, None] * a).exp()
            s[i, j] = decay * s.get((i, j - 1), zero) + step[t, :, None] * b[t] * x[t, :, None]
            h[i, j] = decay * h.get((i - 1, j), zero) + s[i, j]
            y.append(h[i, j] @ c[t] + layer.skip * x[t])
    return (torch.stack(y) * functional.silu(z)) @ layer.leave.weight.T


def reference(net, bag):
    place = torch.from_numpy((bag.coords - bag.coords.min(axis=0)) // 256)
    width, height = (place.max(dim=0).values + 1).tolist()
    u = functional.gelu(net.embed[0](torch.from_numpy(bag.features)))
    flat = net.pad.expand(height * width, -1).clone()
    index = place[:, 1] * width + place[:, 0]
    flat[index] = u
    normed = flat / (flat.square().mean(dim=1, keepdim=True) + 1e-5).sqrt() * net.norm.weight
    states = net.last_norm((flat + mixed(net.mamba, normed, height, width))[index])
    attention = net.score(torch.tanh(net.content[0](states)))[:, 0].softmax(dim=0)
    return net.classifier(attention @ states), attention


FIELD = [(c, r) for r in range(5) for c in range(6) if (c + 2 * r) % 4]


@pytest.mark.parametrize("channels", [5, 32])
def test_a_padded_batch_equals_the_recurrence(monkeypatch, channels):
    monkeypatch.setattr(mamba2d, "_CHANNELS", channels)
    net = model()
    shapes = [FIELD, [(0, 0)], [(0, r) for r in range(4)], [(c, 0) for c in range(4)]]
    bags = [placed_bag(cells, seed) for seed, cells in enumerate(shapes)]
    with torch.no_grad():
        output = net(collate(bags))
        for i, bag in enumerate(bags):
            logits, attention = reference(net, bag)
            torch.testing.assert_close(output.logits[i], logits, atol=1e-5, rtol=1e-4)
            found = output.attention[i, : len(attention)]
            torch.testing.assert_close(found, attention, atol=1e-6, rtol=1e-4)


def test_gradients_are_those_of_the_recurrence():
    net, bag = model(), placed_bag(FIELD)
    batch = collate([bag])
    for loss in (net(batch).logits.square().sum(), reference(net, bag)[0].square().sum()):
        net.zero_grad()
        loss.backward()
        grads = {name: p.grad.clone() for name, p in net.named_parameters()}
        if "first" not in locals():
            first = grads
    for name, gradient in grads.items():
        torch.testing.assert_close(first[name], gradient, atol=1e-5, rtol=1e-3, msg=name)


def test_a_box_that_does_not_fit_is_refused_before_it_is_laid_out():
    with pytest.raises(ContractError, match="box of 1001 x 1001 tiles, more than"):
        model()(collate([placed_bag([(0, 0), (1, 0), (1000, 1000)])]))


def test_steps_begin_between_a_thousandth_and_a_tenth():
    steps = functional.softplus(model().mamba.step.bias.detach())
    assert steps.min() >= 0.99e-3
    assert steps.max() <= 0.101
