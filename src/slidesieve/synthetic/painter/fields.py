"""Random fields the painting is made of: smooth noise, fibres, grain."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

FIBRE_PERIOD_PX = (2048, 1024)
"""Period of the fibre texture along and across the fibres: powers of two, so wrapping is a mask."""

_SPREAD = 40.0


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], wavelength_px: float
) -> NDArray[np.float32]:
    """Paint noise of about unit variance whose features are about `wavelength_px` across.

    Args:
        rng: Source of randomness.
        shape: (height, width) of the result.
        wavelength_px: Size of one bump and its dip, in pixels of the result.

    Returns:
        (height, width) float32.
    """
    cell = max(1, round(wavelength_px / 2))
    rows, cols = (-(-side // cell) + 3 for side in shape)
    knots = rng.standard_normal((rows, cols), dtype=np.float32)
    field = cv2.resize(knots, (cols * cell, rows * cell), interpolation=cv2.INTER_CUBIC)
    return 1.3 * field[cell : cell + shape[0], cell : cell + shape[1]]


def octave_noise(
    rng: np.random.Generator, shape: tuple[int, int], wavelengths_px: tuple[float, ...]
) -> NDArray[np.float32]:
    """Sum `smooth_noise` over wavelengths, each weighted by its size, to about unit variance."""
    weights = np.array(wavelengths_px) / np.linalg.norm(wavelengths_px)
    layers = (
        weight * smooth_noise(rng, shape, wavelength)
        for weight, wavelength in zip(weights, wavelengths_px, strict=True)
    )
    return np.asarray(np.sum(list(layers), axis=0, dtype=np.float32))


@lru_cache(maxsize=1)
def fibre_texture() -> NDArray[np.uint8]:
    """Paint straight horizontal fibres, periodic in both directions.

    Returns:
        (1024, 2048) uint8, mean 128 and standard deviation 40.
    """
    rng = np.random.default_rng(20)
    along, across = FIBRE_PERIOD_PX
    total = np.zeros((across, along), np.float32)
    for length_px, thickness_px, weight in (
        (120, 21, 0.9),
        (70, 9, 0.9),
        (44, 4, 0.8),
        (14, 3, 0.35),
    ):
        total += weight * _periodic_streaks(rng, (across, along), length_px, thickness_px)
    return _to_uint8(total)


@lru_cache(maxsize=1)
def grain_texture() -> NDArray[np.uint8]:
    """Paint the fine mottling of cytoplasm, periodic.

    Returns:
        (512, 1024) uint8, mean 128 and standard deviation 40.
    """
    rng = np.random.default_rng(21)
    fine = _periodic_streaks(rng, (512, 1024), 3, 3)
    coarse = _periodic_streaks(rng, (512, 1024), 11, 11)
    return _to_uint8(fine + 0.7 * coarse)


def enlarge(field: NDArray, factor: int, top: int, bottom: int) -> NDArray:
    """Enlarge rows of a coarse field linearly, as if the whole field had been enlarged.

    Args:
        field: (h, w) coarse field.
        factor: Enlargement.
        top: First fine row wanted, a multiple of `factor`.
        bottom: Fine row after the last, a multiple of `factor`.

    Returns:
        (bottom - top, w * factor) array of the field's type.
    """
    first, last = top // factor, bottom // factor
    above, below = max(first - 1, 0), min(last + 1, field.shape[0])
    fine = cv2.resize(
        field[above:below],
        (field.shape[1] * factor, (below - above) * factor),
        interpolation=cv2.INTER_LINEAR,
    )
    return fine[(first - above) * factor : (last - above) * factor]


def _periodic_streaks(
    rng: np.random.Generator, shape: tuple[int, int], length_px: int, thickness_px: int
) -> NDArray[np.float32]:
    noise = rng.standard_normal(shape, dtype=np.float32)
    pad_x, pad_y = length_px + 1, thickness_px + 1
    padded = cv2.copyMakeBorder(noise, pad_y, pad_y, pad_x, pad_x, cv2.BORDER_WRAP)
    for _ in range(2):
        padded = cv2.blur(padded, (length_px, thickness_px))
    streaks = padded[pad_y:-pad_y, pad_x:-pad_x]
    return streaks / streaks.std()


def _to_uint8(field: NDArray[np.float32]) -> NDArray[np.uint8]:
    scaled = 128 + _SPREAD * (field - field.mean()) / field.std()
    return np.clip(scaled, 0, 255).astype(np.uint8)
