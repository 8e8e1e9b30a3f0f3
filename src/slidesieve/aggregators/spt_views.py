"""The two views of a slide that SPT is trained on: split, crop and mask."""

from __future__ import annotations

import torch
from torch import Tensor

_SPLIT = 0.7
# Least and greatest area of the crops of the larger and the smaller part, in tiles.
_AREAS = ((100.0, 200.0), (50.0, 150.0))
_ASPECTS = (0.5, 2.0)
_KEPT_SHARES = (0.1, 0.8)


def draw_views(place: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Draw two views of each bag; draws random numbers.

    The tokens are dealt at random to two parts of 70 % and 30 %. Of each part a box around one
    of its tokens is cut out, and of the tokens in it a share of 10 to 80 % is kept, but at least
    one. A bag of one token has it in both views.

    Args:
        place: (B, N, 2) column and row of each token.
        mask: (B, N) bool, True where a token is real.

    Returns:
        Which tokens each view holds, (2B, V) int64, first views before second ones, and which of
        them are real, (2B, V) bool.
    """
    pairs = [_views_of(place[i, : int(n)].cpu()) for i, n in enumerate(mask.sum(dim=1))]
    views = [first for first, _ in pairs] + [second for _, second in pairs]
    index = torch.zeros(len(views), max(map(len, views)), dtype=torch.int64)
    real = torch.zeros(index.shape, dtype=torch.bool)
    for i, view in enumerate(views):
        index[i, : len(view)] = view
        real[i, : len(view)] = True
    return index.to(place.device), real.to(place.device)


def _views_of(place: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tokens of the two views of one slide."""
    n_tokens = len(place)
    if n_tokens == 1:
        alone = torch.zeros(1, dtype=torch.int64)
        return alone, alone
    order = torch.randperm(n_tokens)
    n_larger = min(max(round(_SPLIT * n_tokens), 1), n_tokens - 1)
    parts = order[:n_larger], order[n_larger:]
    first, second = (
        part[_crop_and_mask(place[part], area)] for part, area in zip(parts, _AREAS, strict=True)
    )
    # Which view is of the larger part is drawn, too.
    return (first, second) if torch.rand(()) < 0.5 else (second, first)


def _crop_and_mask(place: Tensor, areas: tuple[float, float]) -> Tensor:
    """Return which of some places are in a random box and kept by a random mask."""
    centre = int(torch.randint(len(place), ()))
    area, aspect = _uniform(*areas), _uniform(*_ASPECTS)
    edge = (area / aspect) ** 0.5
    # Of columns and rows, as places are.
    reach = torch.tensor([round(aspect * edge / 2), round(edge / 2)])
    inside = ((place - place[centre]).abs() < reach).all(dim=1).nonzero().flatten()
    n_kept = int(_uniform(*_KEPT_SHARES) * len(inside))
    if n_kept == 0:
        return torch.tensor([centre])
    return inside[torch.randperm(len(inside))[:n_kept]]


def _uniform(low: float, high: float) -> float:
    return low + (high - low) * float(torch.rand(()))
