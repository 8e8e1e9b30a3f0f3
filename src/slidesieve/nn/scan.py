"""A linear recurrence over rows and columns of a grid, with its gradient."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def linear_scan(factor: Tensor, added: Tensor) -> Tensor:
    """Return h_t = a_t h_{t−1} + x_t along the first dimension, h_{−1} = 0.

    One step after another, all else at once: on a CPU no scan does less work.

    Args:
        factor: a, (T, …).
        added: x, (T, …).
    """
    states: Tensor = _LinearScan.apply(factor, added)
    return states


def grid_scan(factor: Tensor, added: Tensor) -> Tensor:
    """Return the 2-D recurrence of 2DMamba.

    s_ij = a_ij s_i(j−1) + x_ij;  h_ij = a_ij h_(i−1)j + s_ij

    Args:
        factor: a, (rows, columns, …).
        added: x, the same shape.
    """
    along_rows = linear_scan(factor.transpose(0, 1), added.transpose(0, 1))
    return linear_scan(factor, along_rows.transpose(0, 1))


class _LinearScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, factor: Tensor, added: Tensor) -> Tensor:  # noqa: ANN401
        states = torch.empty_like(added)
        states[0] = added[0]
        for t in range(1, len(added)):
            torch.addcmul(added[t], factor[t], states[t - 1], out=states[t])
        ctx.save_for_backward(factor, states)
        return states

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        factor, states = ctx.saved_tensors
        of_added = gradient.clone()
        for t in range(len(factor) - 2, -1, -1):
            of_added[t].addcmul_(factor[t + 1], of_added[t + 1])
        of_factor = torch.zeros_like(factor)
        of_factor[1:] = of_added[1:] * states[:-1]
        return of_factor, of_added
