"""The 8-bit images that all measurements of a tile are taken from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]

LEVELS_PER_OD = 100.0  # an 8-bit stain plane reaches from 0 to 2.55 OD
RESIDUAL_ZERO = 128.0  # level of the residual plane that stands for 0 OD
BACKGROUND_LEVEL = 210  # glass: red, green and blue all at least this bright
_STRIP_PX = 64
_COARSEST_LEVEL = 4

# Optical densities of pure stains in red, green and blue, Ruifrok & Johnston 2001.
_HAEMATOXYLIN_OD = (0.65, 0.70, 0.29)
_EOSIN_OD = (0.07, 0.99, 0.11)


@dataclass(frozen=True)
class TilePlanes:
    """One tile, taken apart. Level k of a pyramid is the tile shrunk by 2**k.

    Attributes:
        rgb_half: (H/2, W/2, 3) the tile at half size.
        channels_half: Its red, green and blue.
        haematoxylin_full: Haematoxylin plane at full size, 0.01 OD a level.
        haematoxylin: The same at levels 1 to 4 by level.
        haematoxylin_smooth: These, smoothed (see `smooth`).
        haematoxylin_surround: And once more.
        eosin: Eosin plane at levels 1 to 4, likewise.
        residual_half: What the stains leave unexplained, half size, 0.01 OD a level around 128.
        background_half: 255 where the half-size tile shows glass, else 0.
    """

    rgb_half: Plane
    channels_half: Sequence[Plane]
    haematoxylin_full: Plane
    haematoxylin: dict[int, Plane]
    haematoxylin_smooth: dict[int, Plane]
    haematoxylin_surround: dict[int, Plane]
    eosin: dict[int, Plane]
    residual_half: Plane
    background_half: Plane


def take_apart(rgb: Plane) -> TilePlanes:
    """Prepare all planes of an RGB tile (H, W, 3), at least 64 px wide and high.

    Only haematoxylin, where nuclei have detail, is worked out at full size.
    """
    rgb_half = halve(rgb)
    channels_half = cv2.split(rgb_half)
    haematoxylin, eosin, residual = cv2.split(separate_stains(rgb_half))
    pyramid = _pyramid(haematoxylin)
    smoothed = {level: smooth(plane) for level, plane in pyramid.items()}
    return TilePlanes(
        rgb_half=rgb_half,
        channels_half=channels_half,
        haematoxylin_full=separate_stains(rgb, n_stains=1),
        haematoxylin=pyramid,
        haematoxylin_smooth=smoothed,
        haematoxylin_surround={level: smooth(plane) for level, plane in smoothed.items()},
        eosin=_pyramid(eosin),
        residual_half=residual,
        background_half=_background(*channels_half),
    )


def separate_stains(rgb: Plane, n_stains: int = 3) -> Plane:
    """Colour deconvolution: amounts of haematoxylin, of eosin and of neither.

    Ruifrok & Johnston, "Quantification of histochemical staining by color deconvolution", 2001:
    OD = -log10(I / I0) is linear in the amounts of stain, so the inverse of the matrix of pure
    stains gives them. The third vector is orthogonal to the other two. Amounts below 0 and
    above 2.55 OD are cut off (the residual: below -1.28 and above 1.27).

    Args:
        rgb: (H, W, 3) tile.
        n_stains: How many of the three are wanted.

    Returns:
        (H, W, n_stains), or (H, W) for one, 0.01 OD a level; the residual has its zero at 128.
    """
    stains = np.empty((*rgb.shape[:2], n_stains), dtype=np.uint8).squeeze()
    # Strips keep the floating-point copies small: fresh memory costs more than the arithmetic.
    for top in range(0, len(rgb), _STRIP_PX):
        density = cv2.LUT(rgb[top : top + _STRIP_PX], _OD_OF_LEVEL)
        amounts = cv2.transform(density, _UNMIX[:n_stains])
        cv2.add(amounts, 0.0, dst=stains[top : top + _STRIP_PX], dtype=cv2.CV_8U)
    return stains


def halve(image: Plane) -> Plane:
    """Average blocks of 2 x 2 px."""
    height, width = image.shape[:2]
    return cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)


def smooth(plane: Plane) -> Plane:
    """Blur with the binomial kernel 1 4 6 4 1, whose variance is that of a Gaussian of 1 px."""
    return cv2.GaussianBlur(plane, (5, 5), 0)


def _pyramid(half: Plane) -> dict[int, Plane]:
    levels = {1: half}
    for level in range(2, _COARSEST_LEVEL + 1):
        levels[level] = halve(levels[level - 1])
    return levels


def _background(red: Plane, green: Plane, blue: Plane) -> Plane:
    darkest = cv2.min(cv2.min(red, green), blue)
    return cv2.compare(darkest, BACKGROUND_LEVEL, cv2.CMP_GE)


def _od_of_level() -> NDArray[np.float32]:
    # One is added so that a black pixel has a finite density; level 255 is 0 OD.
    return -np.log10((np.arange(256) + 1) / 256).astype(np.float32)


def _unmix() -> NDArray[np.float32]:
    haematoxylin, eosin = (
        np.array(stain) / np.linalg.norm(stain) for stain in (_HAEMATOXYLIN_OD, _EOSIN_OD)
    )
    residual = np.cross(haematoxylin, eosin)
    stains = np.stack([haematoxylin, eosin, residual / np.linalg.norm(residual)])
    zero = np.array([[0.0], [0.0], [RESIDUAL_ZERO]])
    return np.hstack([LEVELS_PER_OD * np.linalg.inv(stains).T, zero]).astype(np.float32)


_OD_OF_LEVEL = _od_of_level()
_UNMIX = _unmix()
