"""Pen strokes of every colour on a picture, with the truth: which pixels have ink on them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

INKS: dict[str, tuple[int, int, int]] = {
    "black": (38, 36, 40),
    "blue": (35, 70, 170),
    "green": (30, 150, 90),
    "red": (205, 32, 48),
    "light green": (120, 200, 160),
    "light blue": (110, 150, 215),
    "orange": (235, 120, 30),
    "yellow": (240, 215, 60),
    "violet": (95, 45, 140),
}
"""Light that passes each ink where it is dense, R, G, B of 255. Light inks are translucent."""


def draw_stroke(
    rng: np.random.Generator,
    rgb: NDArray[np.uint8],
    ink: tuple[int, int, int],
    centre: tuple[float, float],
    length_px: float,
    width_px: float,
    density: float = 1.0,
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw one curved stroke: ink absorbs the light that tissue below has left.

    Args:
        rng: Source of its course and its unevenness.
        rgb: Picture (H, W, 3).
        ink: See `INKS`.
        centre: x, y that it passes through.
        length_px: About its length.
        width_px: Its width.
        density: 1 for dense ink, less for a dry pen.

    Returns:
        The picture with the stroke, and (H, W) True where it has at least half its density.
    """
    shape = rgb.shape[:2]
    t = np.linspace(-0.5, 0.5, 80)
    angle, bend = rng.uniform(0, 2 * np.pi), rng.uniform(-0.6, 0.6)
    course = length_px * np.column_stack([t, bend * t**2 + 0.03 * np.sin(20 * t)])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    points = np.rint((course @ turn + centre) * 16).astype(np.int32)
    cover = np.zeros(shape, np.uint8)
    thickness = max(1, round(width_px))
    cv2.polylines(cover, [points], False, 255, thickness, cv2.LINE_AA, shift=4)
    truth = cover >= 128
    streaks = cv2.GaussianBlur(rng.normal(0, 1, shape).astype(np.float32), (0, 0), width_px / 6)
    streaks = 1 - 0.12 * np.clip(streaks / (streaks.std() + 1e-6), -2, 2)
    amount = density * streaks * cv2.GaussianBlur(cover, (0, 0), max(0.5, width_px / 16)) / 255
    passed = (np.array(ink, np.float32) / 255) ** amount[..., None]
    return np.clip(rgb * passed, 0, 255).astype(np.uint8), truth
