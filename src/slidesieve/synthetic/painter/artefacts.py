"""Artefacts of slides: folds, pen marks, bubbles and dust."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.canvas import Canvas
from slidesieve.synthetic.painter.contours import blob, trace

PEN_RGB = {"pen_green": (30, 150, 90), "pen_blue": (35, 70, 170), "pen_black": (38, 36, 40)}
"""Light that passes each ink, of 255."""


def fold_tissue(rng: np.random.Generator, canvas: Canvas) -> None:
    """Double the stains along a curved band where the section lies on itself."""
    height, width = canvas.eosin.shape
    centre = np.array([width, height]) * rng.uniform(0.4, 0.6, 2)
    path = _curve(rng, centre, 0.22 * min(height, width))
    low = np.maximum(path.min(axis=0) - 80, 0).astype(np.int64)
    high = (path.max(axis=0) + 80).astype(np.int64)
    rows, cols = slice(low[1], high[1]), slice(low[0], high[0])
    band = np.zeros(canvas.eosin[rows, cols].shape, np.uint8)
    width_px = int(rng.uniform(26, 46))
    cv2.polylines(band, [np.round(path - low).astype(np.int32)], False, 255, width_px)
    strength = cv2.GaussianBlur(band, (0, 0), 5).astype(np.float32) / 255
    strength *= canvas.cover[rows, cols] / np.float32(255)
    for stain in (canvas.eosin, canvas.haematoxylin):
        part = stain[rows, cols]
        beneath = np.roll(part, 23, axis=1)
        part[:] = np.clip(part + strength * (0.9 * beneath + 12), 0, 255).astype(np.uint8)


def mark_glass(rng: np.random.Generator, rgb: NDArray[np.uint8], artefact: str) -> None:
    """Put one artefact on the cover glass, in place.

    Args:
        rng: Source of randomness.
        rgb: (H, W, 3) picture.
        artefact: A key of `PEN_RGB`, "bubble" or "dust".

    Raises:
        ValueError: The artefact is unknown.
    """
    if artefact in PEN_RGB:
        _pen(rng, rgb, PEN_RGB[artefact])
    elif artefact == "bubble":
        _bubble(rng, rgb)
    elif artefact == "dust":
        _dust(rng, rgb)
    else:
        raise ValueError(f"unknown artefact {artefact!r}; use bubble, dust or {list(PEN_RGB)}")


def _pen(rng: np.random.Generator, rgb: NDArray[np.uint8], ink: tuple[int, int, int]) -> None:
    height, width = rgb.shape[:2]
    side = rng.choice([0.08, 0.92])
    centre = np.array([width * side, height * rng.uniform(0.3, 0.7)])
    if rng.random() < 0.5:
        centre = np.array([width * rng.uniform(0.3, 0.7), height * side])
    path = _curve(rng, centre, 0.2 * min(height, width))
    stroke_px = int(0.016 * min(height, width))
    low = np.maximum(path.min(axis=0) - 2 * stroke_px, 0).astype(np.int64)
    high = np.maximum(path.max(axis=0) + 2 * stroke_px, low + 1).astype(np.int64)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape[:2], np.uint8)
    cv2.polylines(mask, [np.round(path - low).astype(np.int32)], False, 255, stroke_px)
    streaks = cv2.blur(rng.uniform(0.55, 1, mask.shape).astype(np.float32), (61, 5))
    cover = cv2.GaussianBlur(mask, (0, 0), 3).astype(np.float32) / 255 * streaks * 1.15
    passed = 1 - np.clip(cover, 0, 1)[..., None] * (1 - np.array(ink, np.float32) / 255)
    part[:] = (part * passed).astype(np.uint8)


def _bubble(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> None:
    """An air bubble: a bright inside with a dark double rim."""
    height, width = rgb.shape[:2]
    centre = np.array([width, height]) * rng.uniform(0.25, 0.75, 2)
    outline = blob(rng, (centre[0], centre[1]), 0.055 * min(height, width), 0.03)
    low = np.maximum(outline.min(axis=0) - 30, 0).astype(np.int64)
    high = (outline.max(axis=0) + 30).astype(np.int64)
    part = rgb[low[1] : high[1], low[0] : high[0]]
    light = np.full(part.shape[:2], 255, np.uint8)
    trace(light, outline - low, 70, 9)
    trace(light, outline - low, 250, 3)
    passed = cv2.GaussianBlur(light, (0, 0), 2.5)
    for channel in range(3):
        part[..., channel] = cv2.multiply(
            np.ascontiguousarray(part[..., channel]), passed, scale=1 / 255
        )


def _dust(rng: np.random.Generator, rgb: NDArray[np.uint8]) -> None:
    height, width = rgb.shape[:2]
    for _ in range(int(rng.integers(12, 40))):
        centre = (rng.uniform(30, width - 30), rng.uniform(30, height - 30))
        speck = blob(rng, centre, rng.uniform(2, 7), 0.25, rng.uniform(1, 4))
        shade = tuple(int(v) for v in rng.uniform(40, 110) + rng.uniform(-12, 12, 3))
        cv2.fillPoly(rgb, [np.round(speck).astype(np.int32)], shade)


def _curve(
    rng: np.random.Generator, centre: NDArray[np.floating], reach_px: float
) -> NDArray[np.float64]:
    """An open wavy line of about 2 * `reach_px` through a point."""
    t = np.linspace(-1, 1, 60)
    angle = rng.uniform(0, 2 * np.pi)
    bend = reach_px * (
        rng.normal(0, 0.3) * t**2 + rng.uniform(-0.1, 0.1) * np.sin(5 * t + rng.uniform(0, 6))
    )
    x, y = reach_px * t, bend
    return centre + np.column_stack(
        [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)]
    )
