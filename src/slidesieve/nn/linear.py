"""Linear layers at the speed of the processor, whoever made it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx
from torch.nn import functional

# Few rows are filled up to a multiple of this; for many the programs cost nothing one could see.
_ROWS = 64
_MANY_ROWS = 4096


class Linear(nn.Linear):
    """`nn.Linear`, computed by `linear`."""

    def forward(self, values: Tensor) -> Tensor:
        """Return W x + b, (…, in_features) to (…, out_features)."""
        return linear(values, self.weight, self.bias)


def linear(values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return W x + b, by oneDNN for float32 on a CPU.

    torch gives float32 products to MKL, which uses half the width of the vector units of AMD's
    processors; oneDNN, which comes with torch, uses all of it. Precision is the same.

    Args:
        values: (…, in_features).
        weight: (out_features, in_features).
        bias: (out_features,).
    """
    if not _is_for_onednn(values):
        return functional.linear(values, weight, bias)
    rows = values.flatten(end_dim=-2)
    with_gradient = torch.is_grad_enabled()
    found = (_OneDnnLinear.apply if with_gradient else _product)(rows, weight, bias)
    return found.unflatten(0, values.shape[:-1])


def _is_for_onednn(values: Tensor) -> bool:
    return (
        values.device.type == "cpu"
        and values.dtype == torch.float32
        and values.numel() > 0
        and torch.backends.mkldnn.is_available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
        and not torch.is_autocast_enabled("cpu")
    )


class _OneDnnLinear(torch.autograd.Function):
    """The layer and its gradients, each one product."""

    @staticmethod
    def forward(ctx: FunctionCtx, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        filled_up = _filled_up(rows)
        ctx.save_for_backward(filled_up, weight)
        return _product(filled_up, weight, bias)[: len(rows)]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        rows, weight = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.needs_input_grad
        filled_up = _filled_up(gradient)
        return (
            _product(filled_up, weight.t())[: len(gradient)] if of_rows else None,
            _product(filled_up.t(), rows.t()) if of_weight else None,
            gradient.sum(dim=0) if of_bias else None,
        )


def _filled_up(rows: Tensor) -> Tensor:
    """Return few rows with rows of zeros after them, up to a number that is met again.

    oneDNN writes a program for every shape of a product it meets, which for some hundred rows
    takes half as long as the product: and hardly two batches of training have as many tokens.
    Slides in evaluation come one at a time, the same ones epoch after epoch.
    """
    missing = -len(rows) % _ROWS if len(rows) < _MANY_ROWS else 0
    if not missing:
        return rows
    filled_up = rows.new_empty(len(rows) + missing, rows.shape[1])
    filled_up[: len(rows)] = rows
    filled_up[len(rows) :] = 0
    return filled_up


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    # What torch.compile makes of a linear layer; torch has no public name for it.
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
