"""Colour as a camera sees it: RGB and HSV statistics of the half-size tile, Lab of the quarter.

Half size loses nothing that JPEG, which stores colour at half size, had not lost already.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.moments import mean_and_sd
from slidesieve.encoders.colour_texture.planes import Plane, TilePlanes, halve

_DARK_LEVEL = 60  # pen, pigment, folds: brighter than this in no channel

NAMES = (
    *(f"{channel}_{what}" for what in ("mean", "sd") for channel in ("red", "green", "blue")),
    "hue_cosine",
    "hue_sine",
    "hue_concentration",
    "saturation_mean",
    "saturation_sd",
    "value_mean",
    "value_sd",
    *(f"lab_{channel}_{what}" for what in ("mean", "sd") for channel in ("l", "a", "b")),
    "background_fraction",
    "dark_fraction",
)

# OpenCV's 8-bit hue counts in steps of 2 degrees.
_HUE_ANGLE = np.deg2rad(2 * np.arange(180))
_HUE_COSINE = np.cos(_HUE_ANGLE)
_HUE_SINE = np.sin(_HUE_ANGLE)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 21 numbers of `NAMES`, (B, 21)."""
    return np.array([_of_tile(tile) for tile in tiles])


def _of_tile(planes: TilePlanes) -> list[float]:
    rgb = planes.rgb_half
    return [
        *_channel_statistics(planes.channels_half),
        *_hue_saturation_value(rgb),
        *_lab_statistics(halve(rgb)),
        cv2.countNonZero(planes.background_half) / planes.background_half.size,
        _dark_fraction(*planes.channels_half),
    ]


def _channel_statistics(channels: Sequence[Plane]) -> list[float]:
    """Means of the three channels, then their sds, as shares of 255."""
    means, sds = zip(*map(mean_and_sd, channels), strict=True)
    return [value / 255 for value in (*means, *sds)]


def _hue_saturation_value(rgb: Plane) -> list[float]:
    """Hue as a mean vector weighted by saturation, its concentration, and S and V."""
    hue, saturation, value = cv2.split(cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV))
    hues = hue[::2, ::2].ravel()
    weights = np.bincount(hues, weights=saturation[::2, ::2].ravel(), minlength=180) / hues.size
    cosine = float((weights * _HUE_COSINE).sum())
    sine = float((weights * _HUE_SINE).sum())
    coloured = float(weights.sum())
    concentration = min(float(np.hypot(cosine, sine)) / coloured, 1.0) if coloured else 0.0
    moments = (*mean_and_sd(saturation), *mean_and_sd(value))
    return [cosine / 255, sine / 255, concentration, *(moment / 255 for moment in moments)]


def _lab_statistics(rgb: Plane) -> list[float]:
    """CIELAB means and sds: L over 100, a and b over 128."""
    mean, sd = cv2.meanStdDev(cv2.cvtColor(rgb, cv2.COLOR_RGB2LAB))
    mean, sd = mean.ravel(), sd.ravel()
    # OpenCV's 8-bit Lab is L * 255 / 100 and a, b + 128.
    means = [mean[0] / 255, (mean[1] - 128) / 128, (mean[2] - 128) / 128]
    return [*means, sd[0] / 255, sd[1] / 128, sd[2] / 128]


def _dark_fraction(red: Plane, green: Plane, blue: Plane) -> float:
    brightest = cv2.max(cv2.max(red, green), blue)
    return cv2.countNonZero(cv2.compare(brightest, _DARK_LEVEL, cv2.CMP_LT)) / brightest.size
