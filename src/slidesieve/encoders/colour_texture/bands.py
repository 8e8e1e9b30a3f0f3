"""Contrast by size of structure: differences of Gaussians on a pyramid.

Lowe 2004: the difference of two Gaussians, of sigma s and 1.4 s, answers to blobs of about 1.7 s
in radius. At 0.5 µm a pixel the bands of 4 and 8 px hold nuclei, that of 2 px chromatin and that of
16 px glands and nests.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.planes import LEVELS_PER_OD, Plane, TilePlanes, smooth

_LEVELS = (1, 2, 3, 4)
# Contrast is given in 0.1 OD, which brings it near the other numbers.
_UNIT = 10.0 / LEVELS_PER_OD

NAMES = tuple(
    f"{stain}_band_{2**level}px_{what}"
    for stain in ("haematoxylin", "eosin")
    for level in _LEVELS
    for what in ("rms", "dark_share")
)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 16 numbers of `NAMES`, (B, 16)."""
    return np.array([_of_tile(tile) for tile in tiles])


def _of_tile(planes: TilePlanes) -> list[float]:
    values: list[float] = []
    for level in _LEVELS:
        values += _energy(planes.haematoxylin_smooth[level], planes.haematoxylin_surround[level])
    for level in _LEVELS:
        smoothed = smooth(planes.eosin[level])
        values += _energy(smoothed, smooth(smoothed))
    return values


def _energy(smoothed: Plane, surround: Plane) -> list[float]:
    """Root mean square of the contrast, and the share of its energy in spots darker than around."""
    # Differences of 8-bit planes end at 0, so each is one sign of the contrast.
    dark = cv2.norm(cv2.subtract(smoothed, surround), cv2.NORM_L2SQR)
    bright = cv2.norm(cv2.subtract(surround, smoothed), cv2.NORM_L2SQR)
    if dark + bright == 0:
        return [0.0, 0.0]
    norm = math.sqrt(dark + bright)
    return [_UNIT * norm / smoothed.size**0.5, min((math.sqrt(dark) / norm) ** 2, 1.0)]
