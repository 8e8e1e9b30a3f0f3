"""Random numbers for the random baselines of Table 4, the same for a slide in every batch."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.tokens import TokenBatch

# Odd multipliers of splitmix64 as signed integers; products wrap around.
_MIX_1 = -0x40A7B892E31B1A47
_MIX_2 = -0x6B2FB644ECCEEE15
_PLACE = 0x5851F42D4C957F2D
_BITS = 24


def random_keys(tokens: TokenBatch, salt: int, training: bool) -> Tensor:
    """Return a random number in [0, 1) for every token, (B, N) float32.

    In training, from torch's global generator. In evaluation, hashed from the token's
    coordinates and its place in the bag, so that it depends on neither batch nor device.

    Args:
        tokens: B bags of N tokens.
        salt: Tells draws over the same tokens apart.
        training: Whether to draw anew.
    """
    if training:
        return torch.rand(tokens.mask.shape, device=tokens.mask.device)
    place = torch.arange(tokens.mask.shape[1], device=tokens.mask.device).expand(tokens.mask.shape)
    x, y = tokens.coords.long().unbind(dim=-1)
    state = torch.full_like(place, salt)
    for value in (place, x, y):
        state = _mix(state * _PLACE + value)
    return ((state >> 32) & (2**_BITS - 1)).float() / 2**_BITS


def _mix(state: Tensor) -> Tensor:
    """Scramble 64-bit integers (the finaliser of splitmix64 with arithmetic shifts)."""
    state = (state ^ (state >> 30)) * _MIX_1
    state = (state ^ (state >> 27)) * _MIX_2
    return state ^ (state >> 31)
