"""The slide's own glass: its colour, and pictures freed of its tint.

Glass is bright, even and never deeply coloured, whatever its tint: old mountant yellows, eosin
bleeds, scanners are set up differently. Dividing by its colour leaves what tissue and ink absorb.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Glass as it can be: how bright at least, how saturated at most (HSV, 0 to 255).
_LEAST_VALUE = 140
_MOST_SATURATED = 72
# Grey levels by which a px of glass differs from its neighbours at most; tissue varies more.
_EVEN = 7
_LEAST_SHARE = 0.01
_BIN = 8
# Saturation up to which glass counts as colourless: most is, and its px stay as they are.
_COLOURLESS = 12
# Filled in by scanners where nothing was scanned.
_FILL = 254


def even_pixels(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Tell px that look like their neighbours, (H, W): glass does, and so does dense ink."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    kernel = np.ones((3, 3), np.uint8)
    return cv2.dilate(grey, kernel) - cv2.erode(grey, kernel) <= _EVEN


def glass_colour(rgb: NDArray[np.uint8]) -> NDArray[np.float64] | None:
    """Estimate the colour of the glass: the brightest colour that much of the slide has evenly.

    Args:
        rgb: Thumbnail (H, W, 3).

    Returns:
        R, G, B, or None where no glass is seen: tissue from edge to edge.
    """
    value = rgb.max(axis=2)
    saturation = _saturation(rgb)
    may_be = even_pixels(rgb) & (value >= _LEAST_VALUE) & (saturation <= _MOST_SATURATED)
    scanned = may_be & (rgb.min(axis=2) < _FILL)
    pixels = rgb[scanned if scanned.mean() >= _LEAST_SHARE else may_be]
    if len(pixels) < _LEAST_SHARE * value.size:
        return None
    brightness = pixels.mean(axis=1)
    counts = np.bincount((brightness / _BIN).astype(np.int64), minlength=256 // _BIN + 1)
    # Two neighbouring bins: a mode may lie on their border.
    pairs = counts[:-1] + counts[1:]
    brightest = int(np.flatnonzero(pairs >= _LEAST_SHARE * value.size)[-1:].sum())
    mode = (brightness >= brightest * _BIN) & (brightness < (brightest + 2) * _BIN)
    return np.median(pixels[mode if mode.any() else slice(None)], axis=0)


def without_tint(rgb: NDArray[np.uint8], glass: NDArray[np.float64] | None) -> NDArray[np.uint8]:
    """Return a picture as if its glass were grey; of colourless glass, the picture itself.

    Args:
        rgb: (H, W, 3).
        glass: From `glass_colour`.
    """
    if glass is None or 255 * (1 - glass.min() / glass.max()) <= _COLOURLESS:
        return rgb
    curves = np.arange(256)[:, None] * (glass.max() / glass)
    table = np.clip(np.rint(curves), 0, 255).astype(np.uint8)
    return cv2.LUT(rgb, table[:, None])


def _saturation(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)[..., 1]
