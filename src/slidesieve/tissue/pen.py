"""Pen on the cover glass: found by what its ink absorbs, as no stain of tissue does.

Haematoxylin absorbs red and green alike and blue less, eosin green most. Dense inks are told by
hue. Translucent ones over tissue are told by optical density: green and grey ink add red and blue
to what the slide's own tissue absorbs, whose blue is in a narrow ratio to its green.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.tissue.glass import even_pixels
from slidesieve.tissue.params import TissueParams

log = logging.getLogger(__name__)

Mask = NDArray[np.bool_]


class _Light(NamedTuple):
    """The light of a thumbnail, (H, W) each: HSV as OpenCV has it, and optical densities."""

    hue: NDArray[np.uint8]
    saturation: NDArray[np.uint8]
    value: NDArray[np.uint8]
    chroma: NDArray[np.uint8]
    red: NDArray[np.float32]
    green: NDArray[np.float32]
    blue: NDArray[np.float32]
    is_even: Mask


def _green(light: _Light) -> Mask:
    return _between(light.hue, 35, 100) & (light.saturation >= 30)


def _blue(light: _Light) -> Mask:
    # Dense haematoxylin comes close in hue, but averaged over a px of a thumbnail it is paler, and
    # never even.
    least = np.where(light.is_even, 70, 120)
    return _between(light.hue, 101, 122) & (light.saturation >= least)


def _black(light: _Light) -> Mask:
    return (light.value <= 80) & (light.chroma <= 45)


def _warm(light: _Light) -> Mask:
    """Red, orange and yellow: over eosin one turns into the other."""
    # Blood and eosin let more blue through, or less red.
    is_red = (light.hue >= 170) | (light.hue <= 8)
    red = is_red & (light.saturation >= 165) & (light.value >= 100)
    # Brown reaction product (DAB) is darker, or paler.
    yellow = _between(light.hue, 9, 34) & (light.saturation >= 165) & (light.value >= 160)
    orange = _between(light.hue, 9, 22) & (light.saturation >= 210) & (light.value >= 110)
    return red | yellow | orange


def _cold_over_tissue(light: _Light) -> Mask:
    """Green and grey: px that absorb more red and blue than the slide's tissue, for their green."""
    stained = light.green > _FAINT_OD
    if not stained.any():
        return stained
    density = np.maximum(light.green, _FAINT_OD)
    red, blue = light.red / density, light.blue / density
    usual_red, usual_blue = np.median(red[stained]), np.median(blue[stained])
    spread = 1.48 * np.median(np.abs(blue[stained] - usual_blue))
    more_red = red > max(_LEAST_RED, usual_red + 0.1)
    more_blue = blue > usual_blue + max(_BLUE_EXCESS, 4 * spread)
    return (stained & more_red & more_blue) | _green(light)


class _Ink(NamedTuple):
    """One kind of ink.

    Attributes:
        find: Tells its px.
        may_be_stain: Whether there are stains of its colour.
        width: How much wider than `pen_width_um` strokes are, where px are told less surely.
    """

    find: Callable[[_Light], Mask]
    may_be_stain: bool = True
    width: float = 1.0


_INKS = {
    "green": _Ink(_green),
    "blue": _Ink(_blue),
    "black": _Ink(_black, may_be_stain=False),
    "red to yellow": _Ink(_warm),
    "green over tissue": _Ink(_cold_over_tissue, width=2.0),
}
# A stain that has the colour of an ink is uneven and everywhere: in nearly every cell of a grid.
_LEAST_EVEN = 0.05
_LEAST_SHARE_OF_STAIN = 0.1
_CELL_PX = 16
_LEAST_OF_A_CELL = 0.01
_LEAST_CELLS = 0.9
# So is one that is even, if nearly all that is stained has it, in a piece that is no stroke: its
# widest circle in relation to the side of a square of the same area.
_NEARLY_ALL = 0.9
_WIDEST_STROKE_UM = 700.0
_LEAST_ROUND = 0.6
_STAINED_OD = 0.08
# Below this density ratios are noise.
_FAINT_OD = 0.12
# Ratios of red to green that ink over tissue has at least, and of blue by how much more.
_LEAST_RED, _BLUE_EXCESS = 0.75, 0.15


def pen_mask(rgb: NDArray[np.uint8], um_per_px: float, params: TissueParams) -> Mask:
    """Find pen of every colour but violet, which is that of haematoxylin.

    A colour that most of what is stained has, unevenly, is the stain of the slide (Giemsa,
    methyl green) and not taken for pen.

    Args:
        rgb: Thumbnail (H, W, 3), freed of the tint of its glass.
        um_per_px: Scale of the thumbnail.
        params: `pen_width_um` and `pen_margin_um`.

    Returns:
        (H, W), True on pen and its margin.
    """
    light = _light(rgb)
    stained = np.maximum.reduce([light.red, light.green, light.blue]) > _STAINED_OD
    strokes = np.zeros(rgb.shape[:2], np.uint8)
    for name, ink in _INKS.items():
        inked = ink.find(light)
        if ink.may_be_stain and (
            _is_stain(inked, stained, light.is_even) or _is_a_piece(inked, stained, um_per_px)
        ):
            log.info("%s is everywhere in what is stained: taken for the stain, not for pen", name)
            continue
        kernel = disc(ink.width * params.pen_width_um / um_per_px)
        strokes |= cv2.morphologyEx(inked.astype(np.uint8), cv2.MORPH_OPEN, kernel)
    return cv2.dilate(strokes, disc(2 * params.pen_margin_um / um_per_px)).astype(bool)


def _is_stain(inked: Mask, stained: Mask, even: Mask) -> bool:
    """Whether px of an ink's colour are the slide's own stain."""
    inked = inked & stained
    if inked.sum() < max(1, _LEAST_SHARE_OF_STAIN * stained.sum()):
        return False
    inside = cv2.erode(inked.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    if even[inside if inside.any() else inked].mean() >= _LEAST_EVEN:
        return False
    of_cell, inked_of_cell = _count_in_cells(stained), _count_in_cells(inked)
    filled = of_cell > _CELL_PX**2 / 2
    has_ink = inked_of_cell[filled] > _LEAST_OF_A_CELL * of_cell[filled]
    return bool(has_ink.size and has_ink.mean() >= _LEAST_CELLS)


def _is_a_piece(inked: Mask, stained: Mask, um_per_px: float) -> bool:
    """Whether what is stained is nearly all of an ink's colour and too compact for a stroke."""
    inked = inked & stained
    if inked.sum() < max(1, _NEARLY_ALL * stained.sum()):
        return False
    inside_px = cv2.distanceTransform(np.pad(inked, 1).astype(np.uint8), cv2.DIST_L2, 5)
    diameter_px = 2 * float(inside_px.max())
    is_wide = diameter_px * um_per_px > _WIDEST_STROKE_UM
    return is_wide and diameter_px > _LEAST_ROUND * float(inked.sum()) ** 0.5


def _count_in_cells(mask: Mask) -> NDArray[np.int64]:
    """Count the px of a mask in each whole cell of a grid."""
    rows, columns = (side // _CELL_PX for side in mask.shape)
    whole = mask[: rows * _CELL_PX, : columns * _CELL_PX]
    return whole.reshape(rows, _CELL_PX, columns, _CELL_PX).sum(axis=(1, 3))


def disc(diameter_px: float) -> NDArray[np.uint8]:
    """A round kernel of an odd number of px."""
    side = 2 * int(diameter_px / 2) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)).astype(np.uint8)


def _light(rgb: NDArray[np.uint8]) -> _Light:
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    chroma = rgb.max(axis=2) - rgb.min(axis=2)
    density = -np.log10(np.clip(np.arange(256), 1, 255) / 245).astype(np.float32)
    red, green, blue = (density[rgb[..., channel]] for channel in range(3))
    hue, saturation, value = (hsv[..., part] for part in range(3))
    return _Light(hue, saturation, value, chroma, red, green, blue, even_pixels(rgb))


def _between(hue: NDArray[np.uint8], low: int, high: int) -> Mask:
    return (hue >= low) & (hue <= high)
