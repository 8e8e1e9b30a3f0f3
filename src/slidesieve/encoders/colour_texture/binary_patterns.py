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
# Small planes are looked at together, for a call costs more than they do; not so many that the
# system has to find new memory for each image, which costs more than both.
_PX_AT_ONCE = 1 << 16
_RING = ((0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1))

NAMES = tuple(
    f"{where}px_{kind}"
    for where in ("haematoxylin_lbp_1", "haematoxylin_lbp_2", "haematoxylin_lbp_4", "eosin_lbp_2")
    for kind in _CLASSES
)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 40 numbers of `NAMES`, (B, 40): roots of shares, each ten squares sum to 1."""
    looked_at = (
        [tile.haematoxylin_full for tile in tiles],
        [tile.haematoxylin[1] for tile in tiles],
        [tile.haematoxylin[2] for tile in tiles],
        [tile.eosin[1] for tile in tiles],
    )
    return np.sqrt(np.hstack([pattern_shares(planes) for planes in looked_at]))


def pattern_shares(planes: Sequence[Plane]) -> NDArray[np.float64]:
    """Share of the inner pixels of each of B planes of one size in each of ten classes, (B, 10)."""
    at_once = max(1, _PX_AT_ONCE // planes[0].size)
    codes = [
        of_plane
        for start in range(0, len(planes), at_once)
        for of_plane in _codes(np.array(planes[start : start + at_once]))
    ]
    counts = [cv2.calcHist([part], [0], None, [256], [0, 256]).ravel() for part in codes]
    # Sums of whole numbers: exact in any order.
    return counts @ _IS_OF_CLASS / codes[0].size


def _codes(planes: Plane) -> list[Plane]:
    """Codes of the inner pixels of planes (B, H, W), (H - 2, W - 2) each.

    The planes are looked at as one tall image: between two of them lie two rows of nonsense.
    """
    n_planes, height, width = planes.shape
    tall = planes.reshape(-1, width)
    inner = len(tall) - 2, width - 2
    centre = tall[1:-1, 1:-1]
    codes = np.zeros(inner, dtype=np.uint8)
    not_below = np.empty_like(codes)
    for bit, (dy, dx) in enumerate(_RING):
        neighbour = tall[1 + dy :, 1 + dx :][: inner[0], : inner[1]]
        cv2.compare(neighbour, centre, cv2.CMP_GE, dst=not_below)
        np.bitwise_and(not_below, 1 << bit, out=not_below)
        np.bitwise_or(codes, not_below, out=codes)
    return [codes[top:][: height - 2] for top in range(0, n_planes * height, height)]


def _is_of_class() -> NDArray[np.float64]:
    """Which of the ten classes each of the 256 codes belongs to, one-hot."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.eye(len(_CLASSES))[np.where(changes <= 2, bits.sum(axis=1), len(_CLASSES) - 1)]


_IS_OF_CLASS = _is_of_class()
