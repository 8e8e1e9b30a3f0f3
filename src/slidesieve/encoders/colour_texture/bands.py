"""Contrast by size of structure: differences of Gaussians on a pyramid.

Lowe 2004: the difference of two Gaussians, of sigma s and 1.4 s, answers to blobs of about 1.7 s
in radius. At 0.5 µm a pixel the bands of 4 and 8 px hold nuclei, that of 2 px chromatin and that of
16 px glands and nests.
"""

from __future__ import annotations

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
    eosin_smooth = {level: smooth(planes.eosin[level]) for level in _LEVELS}
    values: list[float] = []
    for pyramid in (planes.haematoxylin_smooth, eosin_smooth):
        for level in _LEVELS:
            values += _energy(difference_of_gaussians(pyramid[level]))
    return values


def difference_of_gaussians(smoothed: Plane) -> NDArray[np.int16]:
    """Response of a smoothed plane to blobs of about 1.7 px in radius, in its levels.

    Dark is positive.
    """
    return cv2.subtract(smoothed, smooth(smoothed), dtype=cv2.CV_16S)


def _energy(response: NDArray[np.int16]) -> list[float]:
    """Root mean square, and the share of the energy that lies in spots darker than around."""
    norm = cv2.norm(response)
    if norm == 0:
        return [0.0, 0.0]
    dark = cv2.norm(np.maximum(response, 0))
    return [_UNIT * norm / response.size**0.5, min((dark / norm) ** 2, 1.0)]
