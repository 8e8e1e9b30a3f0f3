"""Which cells of a mosaic's grid are tissue, and which of them are tumour."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

_GLASS_CELLS = 1
"""Empty cells all around: tissue that touches a slide's edge is rare."""
_FILLED = 0.7
"""Share of the cells inside the glass that are tissue."""
_RAGGEDNESS = 0.3
"""How far the outline strays from a circle, as a share of its radius."""


def tissue_cells(rng: np.random.Generator, n_cells: int) -> NDArray[np.bool_]:
    """Draw a ragged patch of tissue.

    Args:
        rng: Source of its shape.
        n_cells: How many cells it has, exactly.

    Returns:
        (side, side), with a border of glass.
    """
    side = math.ceil(math.sqrt(n_cells / _FILLED))
    middle = (side - 1) / 2
    y, x = np.mgrid[:side, :side] - middle
    noise = gaussian_filter(rng.standard_normal((side, side)), side / 8, mode="nearest")
    far = np.hypot(x, y) / (side / 2) - _RAGGEDNESS * noise / noise.std()
    tissue = np.zeros(side**2, dtype=bool)
    tissue[np.argsort(far, axis=None)[:n_cells]] = True
    return np.pad(tissue.reshape(side, side), _GLASS_CELLS)


def focus_cells(
    rng: np.random.Generator, tissue: NDArray[np.bool_], n_cells: int
) -> NDArray[np.bool_]:
    """Choose the tissue cells nearest to a random one, as many as asked for.

    Args:
        rng: Source of the place.
        tissue: (side, side).
        n_cells: How many, at most those of the tissue.

    Returns:
        (side, side), True in the focus.
    """
    focus = np.zeros_like(tissue)
    if n_cells:
        cells = np.argwhere(tissue)
        distance = np.linalg.norm(cells - rng.choice(cells), axis=1)
        focus[tuple(cells[np.argsort(distance, kind="stable")[:n_cells]].T)] = True
    return focus
