"""Dropout by bytes is dropout."""

from __future__ import annotations

import pytest
import torch

from slidesieve.nn.dropout import ByteDropout, dropout_layer


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_share_p_is_dropped_and_the_mean_stays(p, dtype):
    torch.manual_seed(0)
    n = 200_001  # no multiple of the eight bytes of a draw
    values = ByteDropout(p)(torch.ones(n, dtype=dtype))
    spread = (p * (1 - p) / n) ** 0.5
    assert (values == 0).float().mean() == pytest.approx(p, abs=5 * spread + 1 / 512)
    assert values.float().mean() == pytest.approx(1, abs=5 * spread / (1 - p) + 1e-3)
    assert len(values.unique()) == 2


def test_neighbouring_values_are_dropped_independently():
    torch.manual_seed(0)
    dropped = (ByteDropout(0.5)(torch.ones(20_000, 16)) == 0).float()
    correlation = torch.corrcoef(dropped.T) - torch.eye(16)
    assert correlation.abs().max() < 5 / 20_000**0.5


def test_seeds_reproduce_and_the_gradient_follows_the_mask():
    outcomes = []
    for _ in range(2):
        torch.manual_seed(3)
        values = torch.ones(5, 7, requires_grad=True)
        dropped = ByteDropout(0.25)(values)
        dropped.sum().backward()
        outcomes.append(dropped.detach())
        assert torch.equal(values.grad, dropped.detach())
    assert torch.equal(*outcomes)


def test_nothing_is_dropped_in_evaluation_or_at_zero():
    values = torch.randn(4, 4)
    assert torch.equal(ByteDropout(0.25).eval()(values), values)
    assert torch.equal(ByteDropout(0.0)(values), values)


def test_a_product_stays_if_all_its_factors_do():
    torch.manual_seed(0)
    dropped = dropout_layer(0.25, factors=2).train()(torch.ones(400_000))
    assert float((dropped == 0).float().mean()) == pytest.approx(1 - 0.75**2, abs=0.005)
    assert float(dropped.max()) == pytest.approx(1 / 0.75**2)
