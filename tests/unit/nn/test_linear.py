"""The linear layer that oneDNN computes is torch's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from slidesieve.nn.linear import Linear

N_OUT = 24


def output_and_gradients(layer: nn.Module, values: torch.Tensor) -> list[torch.Tensor]:
    values = values.clone().requires_grad_()
    output = layer(values)
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).view(output.shape)
    gradients = torch.autograd.grad((output * weights).sum(), (values, *layer.parameters()))
    return [output, *gradients]


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN here")
@pytest.mark.parametrize("shape", [(1, 40), (64, 40), (301, 40), (3, 17, 40)])
def test_values_and_gradients_are_those_of_double_precision(shape):
    torch.manual_seed(0)
    layer, values = Linear(40, N_OUT), torch.randn(shape)
    found = output_and_gradients(layer, values)
    assert "OneDnn" in type(layer(values).grad_fn).__name__ + str(
        layer(values).grad_fn.next_functions
    )
    exact = nn.Linear(40, N_OUT, dtype=torch.float64)
    exact.load_state_dict(layer.state_dict())
    for ours, theirs in zip(found, output_and_gradients(exact, values.double()), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-5, atol=1e-5)


def test_many_rows_which_are_not_filled_up_have_the_same_values_and_gradients():
    torch.manual_seed(0)
    layer, values = Linear(40, N_OUT), torch.randn(4200, 40)
    exact = nn.Linear(40, N_OUT, dtype=torch.float64)
    exact.load_state_dict(layer.state_dict())
    found = output_and_gradients(layer, values)
    expected = output_and_gradients(exact, values.double())
    # Gradients of weights and bias are sums over all rows.
    for ours, theirs, n_added in zip(found, expected, (1, 1, 4200, 4200), strict=True):
        torch.testing.assert_close(
            ours.double() / n_added, theirs / n_added, rtol=1e-5, atol=1e-5 / n_added**0.5
        )


def test_evaluation_gives_the_values_of_training():
    torch.manual_seed(0)
    layer, values = Linear(40, N_OUT), torch.randn(301, 40)
    with torch.no_grad():
        evaluated = layer(values)
    torch.testing.assert_close(evaluated, layer(values).detach())


@pytest.mark.parametrize("n_rows", [1, 63, 65, 200])
def test_a_row_has_the_same_answer_whatever_follows_it(n_rows):
    torch.manual_seed(0)
    layer, values = Linear(512, N_OUT), torch.randn(n_rows + 100, 512)
    torch.testing.assert_close(layer(values[:n_rows]), layer(values)[:n_rows])


def test_no_rows_give_no_rows():
    assert Linear(40, N_OUT)(torch.zeros(0, 40)).shape == (0, N_OUT)


def test_double_precision_stays():
    layer, values = Linear(40, N_OUT).double(), torch.randn(5, 40, dtype=torch.float64)
    assert torch.equal(layer(values), nn.functional.linear(values, layer.weight, layer.bias))


def test_autocast_decides_the_precision():
    layer = Linear(40, N_OUT)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(5, 40)).dtype == torch.bfloat16
