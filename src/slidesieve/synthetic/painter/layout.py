"""Where things are on a slide: tissue pieces, fibre directions and free room, on a coarse grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.fields import octave_noise, smooth_noise

CANVAS_MPP = 0.5
"""Every slide is painted at this scale, whatever it is scanned at."""

COARSE = 8
"""Canvas pixels in one pixel of the coarse grid."""

DEMO_TILE_PX = 256


@dataclass(frozen=True)
class Layout:
    """The plan of one slide; all maps are (height / 8, width / 8).

    Attributes:
        height: Canvas height, px.
        width: Canvas width, px.
        depth_px: Signed distance to the tissue border, positive inside, canvas px.
        along_px: Fibre coordinate along the fibres, canvas px.
        across_px: Fibre coordinate across the fibres, canvas px.
        angle: Direction of the fibres, radians.
        density: Collagen density, about standard normal.
    """

    height: int
    width: int
    depth_px: NDArray[np.float32]
    along_px: NDArray[np.float32]
    across_px: NDArray[np.float32]
    angle: NDArray[np.float32]
    density: NDArray[np.float32]

    def angle_at(self, points_px: NDArray[np.floating]) -> NDArray[np.float32]:
        """Fibre direction at (N, 2) canvas points."""
        x, y = np.clip(points_px.T.astype(np.int64) // COARSE, 0, None)
        rows, cols = self.angle.shape
        return self.angle[np.minimum(y, rows - 1), np.minimum(x, cols - 1)]


def plan(rng: np.random.Generator, height: int, width: int, tissue_tiles: float) -> Layout:
    """Plan a slide.

    Args:
        rng: Source of randomness.
        height: Canvas height, a multiple of 8 px.
        width: Canvas width, a multiple of 8 px.
        tissue_tiles: Tissue area, in tiles of 256 px.

    Returns:
        The plan; its tissue has the area asked for.
    """
    shape = (height // COARSE, width // COARSE)
    field = _pieces(rng, shape) + 0.15 * octave_noise(rng, shape, (130, 60, 24, 10))
    field += np.minimum(_border_distance(shape) / 12.0 - 1.0, 0)
    pixels = tissue_tiles * (DEMO_TILE_PX / COARSE) ** 2
    level = np.partition(field.ravel(), -round(pixels))[-round(pixels)]
    along, across = _fibre_coordinates(rng, shape)
    slope_y, slope_x = np.gradient(across)
    return Layout(
        height=height,
        width=width,
        depth_px=_signed_distance(field > level) * COARSE,
        along_px=along,
        across_px=across,
        angle=np.arctan2(-slope_x, slope_y).astype(np.float32),
        density=octave_noise(rng, shape, (110, 45, 18)),
    )


class Room:
    """The tissue not yet taken by a structure.

    Args:
        layout: The slide's plan.
    """

    def __init__(self, layout: Layout) -> None:
        self.free = (layout.depth_px > 0).astype(np.uint8)
        self._distance = _inner_distance_px(self.free)

    def place(
        self, rng: np.random.Generator, radius_px: float, gap_px: float = 0.0
    ) -> tuple[float, float] | None:
        """Find a place for a disc and take it.

        Args:
            rng: Source of randomness.
            radius_px: Radius of the structure.
            gap_px: Free tissue to be left around it.

        Returns:
            The centre (x, y) in canvas px, or None if there is no room.
        """
        candidates = np.flatnonzero(self._distance > radius_px + gap_px)
        if candidates.size == 0:
            return None
        y, x = np.unravel_index(rng.choice(candidates), self.free.shape)
        centre = (float((x + 0.5) * COARSE), float((y + 0.5) * COARSE))
        self.take(centre, radius_px)
        return centre

    def take(self, centre_px: tuple[float, float], radius_px: float) -> None:
        """Mark a disc as taken."""
        centre = (int(centre_px[0] / COARSE), int(centre_px[1] / COARSE))
        cv2.circle(self.free, centre, max(1, round(radius_px / COARSE)), 0, -1)
        self._distance = _inner_distance_px(self.free)


def _pieces(rng: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Field that is 1 in the middle of tissue pieces and falls outwards."""
    rows, cols = shape
    y, x = np.mgrid[:rows, :cols].astype(np.float32)
    n = int(rng.choice([1, 1, 2, 2, 3]))
    tilt = rng.normal(0, 0.25)
    field = np.full(shape, -9.0, np.float32)
    for i in range(n):
        centre_x = cols * ((i + 0.5) / n + rng.normal(0, 0.02))
        centre_y = rows * (0.5 + rng.normal(0, 0.04))
        half_x = cols * rng.uniform(0.42, 0.5) / n
        half_y = rows * rng.uniform(0.36, 0.48)
        along = (x - centre_x) * np.cos(tilt) + (y - centre_y) * np.sin(tilt)
        across = (y - centre_y) * np.cos(tilt) - (x - centre_x) * np.sin(tilt)
        power = rng.uniform(2.0, 3.2)
        rho = (np.abs(along / half_x) ** power + np.abs(across / half_y) ** power) ** (1 / power)
        field = np.maximum(field, 1 - rho)
    return field


def _fibre_coordinates(
    rng: np.random.Generator, shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    rows, cols = shape
    y, x = np.mgrid[:rows, :cols].astype(np.float32) * COARSE
    angle = rng.uniform(0, np.pi)
    along = x * np.cos(angle) + y * np.sin(angle) + 60 * smooth_noise(rng, shape, 90)
    across = y * np.cos(angle) - x * np.sin(angle)
    for wavelength, amplitude in ((220, 150.0), (75, 46.0), (26, 15.0), (12, 5.0)):
        across += amplitude * smooth_noise(rng, shape, wavelength)
    return along.astype(np.float32), across.astype(np.float32)


def _border_distance(shape: tuple[int, int]) -> NDArray[np.float32]:
    y, x = (np.minimum(np.arange(side), np.arange(side)[::-1]) for side in shape)
    return np.minimum(y[:, None], x[None, :]).astype(np.float32)


def _signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    inside = mask.astype(np.uint8)
    return cv2.distanceTransform(inside, cv2.DIST_L2, 5) - cv2.distanceTransform(
        1 - inside, cv2.DIST_L2, 5
    )


def _inner_distance_px(free: NDArray[np.uint8]) -> NDArray[np.float32]:
    return COARSE * cv2.distanceTransform(free, cv2.DIST_L2, 5)
