"""Tumour that does not fill its tile: nests of it in normal tissue.

Where every tumour tile is all tumour, it is the farthest thing from the rest of the slide, and
whoever takes the tokens that are farthest apart has found it. On slides tumour and normal tissue
meet within most tiles of a small focus.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_DETAIL = 8
"""A nest's outline wavers over about an eighth of the tile."""
_COMPACTNESS = 1.5
_BORDER = 0.25
"""Width of the passage from one tissue to the other, in standard deviations of the outline."""


def nest(rng: np.random.Generator, side_px: int, share: float) -> NDArray[np.float64]:
    """Draw the outline of a nest.

    Args:
        rng: Source of its shape and place.
        side_px: Side of the tile.
        share: Share of the tile's area that it takes.

    Returns:
        (side_px, side_px), 1 within the nest, 0 outside, in between at its border.
    """
    noise = cv2.GaussianBlur(rng.random((side_px, side_px)), (0, 0), side_px / _DETAIL)
    y, x = np.mgrid[:side_px, :side_px] / side_px - rng.uniform(0.2, 0.8, (2, 1, 1))
    field = (noise - noise.mean()) / noise.std() - 2 * _COMPACTNESS * np.hypot(x, y)
    level = np.quantile(field, 1 - share)
    return np.clip((field - level) / _BORDER, 0, 1)


def within(
    tissue: NDArray[np.uint8], tumour: NDArray[np.uint8], cover: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Put tumour into normal tissue: two (H, W, 3) uint8 and an (H, W) cover to one picture."""
    share = cover[..., None]
    return np.rint(share * tumour + (1 - share) * tissue).astype(np.uint8)
