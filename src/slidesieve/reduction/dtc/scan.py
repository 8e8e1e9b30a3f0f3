"""The order in which a slide's tokens are read: neighbours in it are who "aligned" may merge."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.tokens import TokenBatch

_HILBERT_BITS = 16


def scan_order(tokens: TokenBatch, scan: str) -> Tensor:
    """Return the tokens' positions in the order of a scan, padding last, (B, N) int64.

    Args:
        tokens: B bags of N tokens.
        scan: "serpentine": rows of equal y from top to bottom, every other one from right to
            left. "hilbert": along a Hilbert curve over the slide's bounding square.
    """
    key = {"serpentine": _serpentine_key, "hilbert": _hilbert_key}[scan](tokens)
    return key.masked_fill(~tokens.mask, torch.iinfo(torch.int64).max).argsort(dim=1, stable=True)


def offsets_from_corner(tokens: TokenBatch) -> tuple[Tensor, Tensor]:
    """Return places relative to the slide's top-left tile and the slide's longer side.

    Returns:
        (B, N, 2) level-0 px, 0 in padding, and (B, 1, 1) level-0 px, at least 1.
    """
    coords = tokens.coords.long()
    padding = ~tokens.mask[..., None]
    corner = coords.masked_fill(padding, torch.iinfo(torch.int64).max).amin(dim=1, keepdim=True)
    offsets = (coords - corner).masked_fill(padding, 0)
    return offsets, offsets.amax(dim=(1, 2), keepdim=True).clamp(min=1)


def _serpentine_key(tokens: TokenBatch) -> Tensor:
    offsets, longest = offsets_from_corner(tokens)
    x, y = offsets.unbind(dim=-1)
    row = _dense_rank(y, tokens.mask)
    longest = longest[..., 0]
    return row * (longest + 1) + torch.where(row % 2 == 0, x, longest - x)


def _dense_rank(values: Tensor, mask: Tensor) -> Tensor:
    """Return how many distinct smaller values each real token's slide has, (B, N)."""
    ordered, order = values.masked_fill(~mask, torch.iinfo(torch.int64).max).sort(dim=1)
    steps = torch.zeros_like(ordered)
    steps[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return torch.empty_like(steps).scatter(1, order, steps.cumsum(dim=1))


def _hilbert_key(tokens: TokenBatch) -> Tensor:
    """Return the distance along a Hilbert curve of 2¹⁶ × 2¹⁶ cells, bit by bit."""
    offsets, longest = offsets_from_corner(tokens)
    last = 2**_HILBERT_BITS - 1
    x, y = (offsets * last // longest).unbind(dim=-1)
    key = torch.zeros_like(x)
    for bit in reversed(range(_HILBERT_BITS)):
        right, lower = (x >> bit) & 1, (y >> bit) & 1
        key = (key << 2) + ((3 * right) ^ lower)
        # Each upper quadrant is a copy of the curve turned by 90°, the right one also mirrored.
        mirrored = (lower == 0) & (right == 1)
        x, y = torch.where(mirrored, last - x, x), torch.where(mirrored, last - y, y)
        x, y = torch.where(lower == 0, y, x), torch.where(lower == 0, x, y)
    return key
