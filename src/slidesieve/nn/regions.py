"""Regions of a slide's grid, and rows of several groups as a padded batch."""

from __future__ import annotations

import torch
from torch import Tensor

from slidesieve.nn.grid import Grid

# Tiles along an edge of a region: 4096 px of tiles of 256 px.
EDGE = 16


def regions_of(grid: Grid) -> tuple[Tensor, Tensor]:
    """Return the regions' bag, row and column, (R, 3), and the region of each cell, (M,)."""
    key = torch.stack([grid.bag, grid.row // EDGE, grid.column // EDGE], dim=1)
    return torch.unique(key, dim=0, return_inverse=True)


def by_group(rows: Tensor, group: Tensor, n_groups: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows that are sorted by group as a padded batch.

    Args:
        rows: (M, H).
        group: (M,) int64, rising.
        n_groups: G; each group has a row.

    Returns:
        (G, T, H) padded with 0 at the end; (G, T) bool, which are real; (M,) each row's place.
    """
    counts = torch.bincount(group, minlength=n_groups)
    place = torch.arange(len(group), device=group.device) - (counts.cumsum(0) - counts)[group]
    mask = torch.arange(int(counts.max()), device=group.device) < counts[:, None]
    padded = rows.new_zeros(*mask.shape, rows.shape[1])
    padded[group, place] = rows
    return padded, mask, place
