"""How a mask is spread over a tile."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.planes import Plane, halve

HALF = 2  # masks are at half size: one of their pixels is 2 px of the tile
BOXES_PX = (8, 16, 32, 64)


def evenness(masks_half: Sequence[Plane]) -> NDArray[np.float64]:
    """Evenness at each of `BOXES_PX`, (B, 4): the inverse of lacunarity, so that it is bounded.

    Allain & Cloitre 1991, on boxes side by side: lacunarity = E[m²] / E[m]² of the mass m in a
    box. 1 / lacunarity is 1 for a mask spread evenly, the share of boxes it fills for one in
    clumps larger than the box, and 0 for none at all.
    """
    values = np.zeros((len(masks_half), len(BOXES_PX)))
    boxes = [halve(mask) for mask in masks_half]  # 4 px of the tile
    for of_size in values.T:
        boxes = [_halve_at_least_one(box) for box in boxes]
        mass = np.array(boxes, dtype=np.float64)
        square = (mass * mass).mean(axis=(1, 2))
        np.divide(mass.mean(axis=(1, 2)) ** 2, square, out=of_size, where=square > 0)
    return np.minimum(values, 1.0)


def components(mask_half: Plane, min_area_px: int) -> NDArray[np.int32]:
    """Connected parts of a mask.

    Args:
        mask_half: Mask at half size.
        min_area_px: Parts of less area are left out; in pixels of the tile.

    Returns:
        (n, 3): width, height and area of each part, in pixels of the half-size mask.
    """
    if not cv2.countNonZero(mask_half):
        return np.zeros((0, 3), np.int32)
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask_half, connectivity=8, ltype=cv2.CV_16U)
    parts = stats[1:]
    large = parts[:, cv2.CC_STAT_AREA] * HALF**2 >= min_area_px
    return parts[large][:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA]]


def _halve_at_least_one(image: Plane) -> Plane:
    height, width = image.shape
    size = (max(1, width // 2), max(1, height // 2))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
