"""From stain to picture: Beer-Lambert absorption, lamp, lens and sensor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.canvas import STAIN_UNIT, Canvas
from slidesieve.synthetic.painter.fields import enlarge, smooth_noise

HAEMATOXYLIN_OD = np.array([0.65, 0.70, 0.29])
"""Absorption in R, G, B (Ruifrok and Johnston, 2001)."""

EOSIN_OD = np.array([[0.07, 0.99, 0.11], [0.2159, 0.8012, 0.5581]])
"""Absorption in R, G, B: as measured by Ruifrok (2001) and by Macenko (2009)."""

_STRIP_PX = 512
_LAMP_STEP = 64


@dataclass(frozen=True)
class Optics:
    """How one slide was stained and scanned.

    Attributes:
        haematoxylin_od: (3,) optical density of one unit of haematoxylin in R, G, B.
        eosin_od: (3,) the same for eosin.
        glass: (3,) brightness of clear glass in R, G, B, of 255.
        unevenness: Relative amplitude of the lamp's unevenness.
        focus_px: Standard deviation of the blur of the lens, px of the scan.
        noise: Standard deviation of the sensor's noise, grey levels.
    """

    haematoxylin_od: NDArray[np.float64]
    eosin_od: NDArray[np.float64]
    glass: NDArray[np.float64]
    unevenness: float
    focus_px: float
    noise: float


@dataclass(frozen=True)
class PatientStain:
    """What the slides of one patient share of their staining.

    Attributes:
        mixture: Share of the second eosin, from 0.55 to 1.
        hue: (3,) factors on haematoxylin's absorption of R, G, B.
        log_strength: (2,) logarithms of the strengths of haematoxylin and eosin; 0 is usual.
    """

    mixture: float
    hue: NDArray[np.float64]
    log_strength: NDArray[np.float64]


def patient_randomness(patient_seed: int) -> np.random.Generator:
    """Return the source of what the slides of a patient share of staining and scanner."""
    return np.random.default_rng([patient_seed, 3])


def patient_stain(patient: np.random.Generator) -> PatientStain:
    """Draw a patient's staining, before anything else is drawn of the patient."""
    return PatientStain(
        mixture=float(patient.uniform(0.55, 1.0)),
        hue=np.exp(patient.normal(0, [0.07, 0.05, 0.20])),
        log_strength=patient.normal(0, 0.13, 2),
    )


def stain_and_scanner(
    patient: np.random.Generator, slide: np.random.Generator, unevenness: float
) -> Optics:
    """Draw a slide's optics: laboratories differ between patients, runs between slides.

    Args:
        patient: Randomness shared by a patient's slides.
        slide: Randomness of this slide.
        unevenness: Relative amplitude of the lamp's unevenness.
    """
    stain = patient_stain(patient)
    mixture = np.clip(stain.mixture + slide.normal(0, 0.06), 0, 1)
    eosin = (1 - mixture) * EOSIN_OD[0] + mixture * EOSIN_OD[1]
    haematoxylin = HAEMATOXYLIN_OD * stain.hue
    strength = np.exp(stain.log_strength + slide.normal(0, 0.06, 2))
    return Optics(
        haematoxylin_od=strength[0] * haematoxylin / np.linalg.norm(haematoxylin),
        eosin_od=strength[1] * eosin / np.linalg.norm(eosin),
        glass=np.clip(patient.normal(242, 3) + slide.normal(0, 1.2, 3), 232, 250),
        unevenness=unevenness,
        focus_px=float(slide.uniform(0.45, 0.8)),
        noise=float(slide.uniform(1.0, 2.2)),
    )


def scan(
    rng: np.random.Generator, canvas: Canvas, optics: Optics, magnify: int
) -> NDArray[np.uint8]:
    """Shine light through a finished canvas.

    I = I0 * 10 ** -(c_H v_H + c_E v_E), with concentrations c and stain vectors v.

    Args:
        rng: Source of randomness.
        canvas: Stain maps at 0.5 um per pixel.
        optics: The slide's staining and scanner.
        magnify: Scan pixels in one canvas pixel.

    Returns:
        (H * magnify, W * magnify, 3) uint8 RGB.
    """
    height, width = (side * magnify for side in canvas.eosin.shape)
    rgb = np.empty((height, width, 3), np.uint8)
    lamp = _lamp(rng, (-(-height // _LAMP_STEP), -(-width // _LAMP_STEP)), optics.unevenness)
    noise = _sensor_noise(width, optics.noise)
    curves = [_transmission(od) for od in (optics.haematoxylin_od, optics.eosin_od)]
    for top in range(0, height, _STRIP_PX):
        bottom = min(top + _STRIP_PX, height)
        stains = [
            _magnified(stain, magnify, top, bottom) for stain in (canvas.haematoxylin, canvas.eosin)
        ]
        light = enlarge(lamp, _LAMP_STEP, top, _round_up(bottom, _LAMP_STEP))
        light = np.ascontiguousarray(light[: bottom - top, :width])
        strip = cv2.merge(
            [
                _channel(stains, [curve[channel] for curve in curves], light, optics.glass[channel])
                for channel in range(3)
            ]
        )
        strip = cv2.GaussianBlur(strip, (3, 3), optics.focus_px)
        rgb[top:bottom] = cv2.addWeighted(strip, 1, noise[: bottom - top], 1, -128)
    return rgb


def _channel(
    stains: list[NDArray[np.uint8]],
    curves: list[NDArray[np.uint8]],
    light: NDArray[np.uint8],
    glass: float,
) -> NDArray[np.uint8]:
    first, second = (cv2.LUT(stain, curve) for stain, curve in zip(stains, curves, strict=True))
    through = cv2.multiply(first, second, scale=1 / 255)
    return cv2.multiply(through, light, scale=glass / (255 * 250))


def _transmission(od: NDArray[np.float64]) -> list[NDArray[np.uint8]]:
    amount = np.arange(256) / STAIN_UNIT
    return [np.round(255 * 10 ** (-amount * density)).astype(np.uint8) for density in od]


def _lamp(rng: np.random.Generator, shape: tuple[int, int], unevenness: float) -> NDArray[np.uint8]:
    """Light relative to its peak, 250 for full: bright in the middle, with slow drifts."""
    y, x = (np.linspace(-1, 1, side) for side in shape)
    vignette = -(y[:, None] ** 2 + x[None, :] ** 2) / 2
    drift = 0.5 * smooth_noise(rng, shape, max(shape))
    return np.clip(250 * (1 + unevenness * (vignette + drift)), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _unit_noise() -> NDArray[np.float32]:
    return np.random.default_rng(22).standard_normal((_STRIP_PX, 1024, 3), dtype=np.float32)


def _sensor_noise(width: int, sigma: float) -> NDArray[np.uint8]:
    tile = np.clip(128.5 + sigma * _unit_noise(), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.tile(tile, (1, -(-width // 1024), 1))[:, :width])


def _magnified(stain: NDArray[np.uint8], magnify: int, top: int, bottom: int) -> NDArray[np.uint8]:
    return stain[top:bottom] if magnify == 1 else enlarge(stain, magnify, top, bottom)


def _round_up(value: int, step: int) -> int:
    return -(-value // step) * step
