"""Dropout whose random numbers cost little on a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_STEPS = 256


def dropout_layer(dropout: float, factors: int = 1) -> ByteDropout:
    """Return a dropout layer.

    Args:
        dropout: Share of the values that is dropped, in [0, 1).
        factors: Of how many factors the values are the product, each of which has this dropout:
            a value stays if all its factors do.
    """
    return ByteDropout(1 - (1 - dropout) ** factors)


class ByteDropout(nn.Module):
    """Sets a share p of the values to 0 and scales the others by 1 / (1 − p), in training.

    torch draws one number of 32 bits for each value, one after another, which on a CPU was nearly
    half of ABMIL's training time. A byte decides as well: p is rounded to 1/256, and the scale is
    that of the rounded p, so the expectation is exact.

    Args:
        p: Share in [0, 1).
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        self._n_dropped = min(round(p * _STEPS), _STEPS - 1)

    def forward(self, values: Tensor) -> Tensor:
        """Drop values of a tensor of any shape; nothing in evaluation."""
        if not self.training or not self._n_dropped:
            return values
        words = torch.empty((values.numel() + 7) // 8, dtype=torch.int64, device=values.device)
        random_bytes = words.random_(-(2**63), None).view(torch.uint8)[: values.numel()]
        # 1 where a byte is n_dropped or more, else 0; comparing takes torch four times as long.
        kept = random_bytes.clamp_(self._n_dropped - 1, self._n_dropped).sub_(self._n_dropped - 1)
        scale = _STEPS / (_STEPS - self._n_dropped)
        return values * kept.view(values.shape).to(values.dtype).mul_(scale)

    def extra_repr(self) -> str:
        """The share that is dropped, for prints of a model."""
        return f"p={self._n_dropped / _STEPS:g}"
