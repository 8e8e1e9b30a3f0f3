"""A linear layer that trains at the speed of the processor, whoever made it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx


class Linear(nn.Linear):
    """`nn.Linear`, computed by oneDNN where it is trained in float32 on a CPU.

    torch gives float32 products to MKL, which uses half the width of the vector units of AMD's
    processors; oneDNN, which comes with torch, uses all of it. Precision is the same.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Return W x + b, (…, in_features) to (…, out_features)."""
        if self.training and _is_for_onednn(values):
            rows = _OneDnnLinear.apply(values.flatten(end_dim=-2), self.weight, self.bias)
            return rows.unflatten(0, values.shape[:-1])
        return super().forward(values)


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
        ctx.save_for_backward(rows, weight)
        return _product(rows, weight, bias)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if of_rows else None,
            _product(gradient.t(), rows.t()) if of_weight else None,
            gradient.sum(dim=0) if of_bias else None,
        )


def _product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    # What torch.compile makes of a linear layer; torch has no public name for it.
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")
