"""Local binary patterns: which of a pixel's eight neighbours are at least as dark.

Ojala, Pietikäinen & Mäenpää 2002, LBP^riu2 with 8 neighbours: patterns with at most two changes
around the circle are told apart by their number of ones (0 to 8), all others are one class. Larger
radii are the same ring on a smaller image, as in Mäenpää & Pietikäinen 2003, so that the samples
are averages and not single noisy pixels. The features are square roots of the shares (Hellinger):
differences then weigh rare and common patterns alike, and come near those of the other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.planes import Plane, TilePlanes

_CLASSES = (*(f"uniform{ones}" for ones in range(9)), "other")
_RING = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))

NAMES = tuple(
    f"{where}px_{kind}"
    for where in ("haematoxylin_lbp_1", "haematoxylin_lbp_2", "haematoxylin_lbp_4", "eosin_lbp_2")
    for kind in _CLASSES
)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 40 numbers of `NAMES`, (B, 40): roots of shares, each ten squares sum to 1."""
    looked_at = [
        plane
        for tile in tiles
        for plane in (
            tile.haematoxylin_full,
            tile.haematoxylin[1],
            tile.haematoxylin[2],
            tile.eosin[1],
        )
    ]
    return np.sqrt(pattern_shares(looked_at)).reshape(len(tiles), -1)


def pattern_shares(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Share of the inner pixels of each plane in each of the ten classes of patterns, (n, 10)."""
    codes = [_codes(plane) for plane in planes]
    counts = [cv2.calcHist([part], [0], None, [256], [0, 256]).ravel() for part in codes]
    sizes = np.array([part.size for part in codes])
    # Sums of whole numbers: exact in any order.
    return counts @ _IS_OF_CLASS / sizes[:, None]


def _codes(plane: Plane) -> Plane:
    height, width = plane.shape
    centre = plane[1:-1, 1:-1]
    codes = np.zeros((height - 2, width - 2), dtype=np.uint8)
    for bit, (dy, dx) in enumerate(_RING):
        neighbour = plane[1 + dy : height - 1 + dy, 1 + dx : width - 1 + dx]
        not_below = cv2.compare(neighbour, centre, cv2.CMP_GE)
        np.bitwise_and(not_below, 1 << bit, out=not_below)
        np.bitwise_or(codes, not_below, out=codes)
    return codes


def _is_of_class() -> NDArray[np.float64]:
    """Which of the ten classes each of the 256 codes belongs to, one-hot."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.eye(len(_CLASSES))[np.where(changes <= 2, bits.sum(axis=1), len(_CLASSES) - 1)]


_IS_OF_CLASS = _is_of_class()
