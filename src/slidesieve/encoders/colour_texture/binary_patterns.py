"""Local binary patterns: which of a pixel's eight neighbours are at least as dark.

Ojala, Pietikäinen & Mäenpää 2002, LBP^riu2 with 8 neighbours: patterns with at most two changes
around the circle are told apart by their number of ones (0 to 8), all others are one class. Larger
radii are the same ring on a smaller image, as in Mäenpää & Pietikäinen 2003, so that the samples
are averages and not single noisy pixels. The features are square roots of the shares (Hellinger):
differences then weigh rare and common patterns alike, and come near those of the other numbers.
"""

from __future__ import annotations

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


def measure(planes: TilePlanes) -> list[float]:
    """Measure the 40 numbers of `NAMES`: roots of shares, the squares of each ten summing to 1."""
    looked_at = (
        planes.haematoxylin_full,
        planes.haematoxylin[1],
        planes.haematoxylin[2],
        planes.eosin[1],
    )
    shares = [pattern_shares(plane) for plane in looked_at]
    return np.sqrt(shares).ravel().tolist()


def pattern_shares(plane: Plane) -> list[float]:
    """Share of the inner pixels of a plane in each of the ten classes of patterns."""
    codes = _codes(plane)
    counts = cv2.calcHist([codes], [0], None, [256], [0, 256]).ravel()
    by_class = np.bincount(_CLASS_OF_CODE, weights=counts, minlength=len(_CLASSES))
    return (by_class / codes.size).tolist()


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


def _class_of_code() -> NDArray[np.int64]:
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, bits.sum(axis=1), len(_CLASSES) - 1)


_CLASS_OF_CODE = _class_of_code()
