"""Artefacts of cutting and scanning: tiles that stand out and mean nothing.

Of a mosaic of nothing but clean tiles, tumour is the only oddity: whoever takes the tokens that
are farthest apart has found it. Slides are not like that.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

_WHITE = 255.0


def spoil(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give a tile one artefact, drawn with its strength: (H, W, 3) uint8 to the same."""
    return ARTEFACTS[rng.choice(sorted(ARTEFACTS))](rng, rgb)


def out_of_focus(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Blur, as where the section lies above or below the plane of focus."""
    return cv2.GaussianBlur(rgb, (0, 0), rng.uniform(2, 8))


def folded(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Tissue upon tissue: the optical densities of the tile and of its mirror image add up."""
    light = rgb / _WHITE
    return _as_pixels(light * light[:, ::-1] ** rng.uniform(0.5, 1))


def stained(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Too little or too much stain, of a hue of its own, as at edges and where sections dry."""
    strength = rng.choice([rng.uniform(0.4, 0.7), rng.uniform(1.4, 2.2)])
    return _as_pixels((rgb / _WHITE) ** (strength * rng.uniform(0.8, 1.2, 3)))


def bloody(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A film of blood or of dirt: light of one hue is lost, more in some places than in others."""
    passed = np.array([rng.uniform(0.7, 0.95), rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.7)])
    noise = cv2.GaussianBlur(rng.random(rgb.shape[:2]), (0, 0), rgb.shape[0] / 12)
    cover = np.clip(0.5 + (noise - noise.mean()) / (3 * noise.std()), 0, 1)
    return _as_pixels(rgb / _WHITE * (1 - cover[..., None] * (1 - passed)))


ARTEFACTS: dict[str, Callable[[np.random.Generator, NDArray[np.uint8]], NDArray[np.uint8]]] = {
    "out_of_focus": out_of_focus,
    "folded": folded,
    "stained": stained,
    "bloody": bloody,
}


def _as_pixels(light: NDArray[np.floating]) -> NDArray[np.uint8]:
    return np.rint(_WHITE * np.clip(light, 0, 1)).astype(np.uint8)
