"""Closed outlines and point patterns: the geometry that structures share."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""(N, 2) x, y in canvas px."""


def blob(
    rng: np.random.Generator,
    centre_px: tuple[float, float],
    radius_px: float,
    wobble: float,
    aspect: float = 1.0,
    orders: tuple[int, ...] = (2, 3, 4, 5),
) -> Points:
    """Draw a closed outline: an ellipse of random direction with wavy radius.

    Args:
        rng: Source of randomness.
        centre_px: Centre.
        radius_px: Mean radius.
        wobble: Relative amplitude of the waves.
        aspect: Long over short axis.
        orders: Waves around the outline.

    Returns:
        (64, 2) points.
    """
    theta = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    radius = np.ones_like(theta)
    for order in orders:
        wave = np.cos(order * theta + rng.uniform(0, 2 * np.pi))
        radius += wobble * rng.standard_normal() / np.sqrt(order) * wave
    radius = radius_px * np.clip(radius, 0.35, 1.7)
    tilt = rng.uniform(0, np.pi)
    x, y = radius * np.cos(theta) * np.sqrt(aspect), radius * np.sin(theta) / np.sqrt(aspect)
    rotated = np.column_stack(
        [x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)]
    )
    return rotated + np.asarray(centre_px)


def shrunk(outline: Points, by_px: float) -> Points:
    """Pull every point of an outline towards its centre by a distance, at most to 15 %."""
    centre = outline.mean(axis=0)
    arms = outline - centre
    length = np.maximum(np.linalg.norm(arms, axis=1, keepdims=True), 1e-6)
    return centre + arms * np.maximum(1 - by_px / length, 0.15)


def fill(target: NDArray[np.uint8], outline: Points, value: float) -> None:
    """Fill an outline with one value, in place."""
    cv2.fillPoly(target, [np.round(outline).astype(np.int32)], int(value))


def trace(target: NDArray[np.uint8], outline: Points, value: float, thickness_px: int) -> None:
    """Draw an outline as a line, in place."""
    line = np.round(outline).astype(np.int32)
    cv2.polylines(target, [line], True, int(value), thickness_px)


def along(outline: Points, spacing_px: float) -> tuple[Points, NDArray[np.float64]]:
    """Walk an outline.

    Returns:
        Points about `spacing_px` apart and the direction of the outline at each, radians.
    """
    closed = np.vstack([outline, outline[:1]])
    steps = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    position = np.concatenate([[0], np.cumsum(steps)])
    n = max(3, round(position[-1] / spacing_px))
    wanted = np.arange(n) * position[-1] / n
    points = np.column_stack([np.interp(wanted, position, closed[:, axis]) for axis in (0, 1)])
    ahead = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    return points, np.arctan2(ahead[:, 1], ahead[:, 0])


def jittered_lattice(
    rng: np.random.Generator, outline: Points, spacing_px: float, jitter: float
) -> Points:
    """Fill an outline with a hexagonal lattice, each point moved at random.

    Args:
        rng: Source of randomness.
        outline: The region.
        spacing_px: Distance between neighbours.
        jitter: Standard deviation of the moves, relative to the spacing.
    """
    points = lattice_around(rng, outline, spacing_px, jitter)
    return points[inside(outline, points)]


def lattice_around(
    rng: np.random.Generator, outline: Points, spacing_px: float, jitter: float
) -> Points:
    """Fill the bounding box of an outline, and two spacings around it, with the same lattice.

    The cells of points outside keep those of points near the outline from growing outwards.
    """
    low, high = outline.min(axis=0) - 2 * spacing_px, outline.max(axis=0) + 2 * spacing_px
    x = np.arange(low[0], high[0], spacing_px)
    y = np.arange(low[1], high[1], spacing_px * 0.87)
    grid_x, grid_y = np.meshgrid(x, y)
    grid_x[1::2] += spacing_px / 2
    points = np.column_stack([grid_x.ravel(), grid_y.ravel()])
    return points + rng.normal(0, jitter * spacing_px, points.shape)


def inside(outline: Points, points: Points) -> NDArray[np.bool_]:
    """Which of (N, 2) points lie inside an outline."""
    low = np.floor(outline.min(axis=0)).astype(np.int64)
    size = np.ceil(outline.max(axis=0)).astype(np.int64) - low + 1
    mask = np.zeros((size[1], size[0]), np.uint8)
    fill(mask, outline - low, 1)
    x, y = (np.floor(points) - low).astype(np.int64).T
    fits = (x >= 0) & (y >= 0) & (x < size[0]) & (y < size[1])
    result = np.zeros(len(points), bool)
    result[fits] = mask[y[fits], x[fits]] > 0
    return result


def window(
    outline: Points, shape: tuple[int, int], margin_px: int = 0
) -> tuple[slice, slice, Points]:
    """Cut the part of a canvas that holds an outline.

    Returns:
        Row slice, column slice, and the outline in the coordinates of that part.
    """
    low = np.maximum(np.floor(outline.min(axis=0)).astype(np.int64) - margin_px, 0)
    high = np.ceil(outline.max(axis=0)).astype(np.int64) + margin_px
    right, bottom = min(high[0], shape[1]), min(high[1], shape[0])
    return slice(low[1], bottom), slice(low[0], right), outline - low


@dataclass(frozen=True)
class Cells:
    """A region divided among cells, every pixel going to the nearest seed.

    Attributes:
        owner: (h, w) int64 index of the seed each pixel belongs to.
        border_px: (h, w) distance to the nearest border between cells.
    """

    owner: NDArray[np.int64]
    border_px: NDArray[np.float32]


def divide(
    rng: np.random.Generator, seeds_px: Points, shape: tuple[int, int], waviness_px: float
) -> Cells:
    """Divide an image into Voronoi cells.

    Args:
        rng: Source of randomness.
        seeds_px: Cell centres, moved into the image where they lie outside.
        shape: (height, width) of the image.
        waviness_px: How far the borders stray from straight lines.
    """
    height, width = shape
    ground = np.ones(shape, np.uint8)
    x, y = np.round(seeds_px).astype(np.int64).T
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    ground[y, x] = 0
    _, label = cv2.distanceTransformWithLabels(
        ground, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    seed_of_label = np.zeros(label.max() + 1, np.int64)
    seed_of_label[label[y, x]] = np.arange(len(x))
    if waviness_px:
        label = _ruffled(rng, label.astype(np.float32), waviness_px).astype(np.int64)
    edge = (label != np.roll(label, 1, axis=0)) | (label != np.roll(label, 1, axis=1))
    border = cv2.distanceTransform((~edge).astype(np.uint8), cv2.DIST_L2, 5)
    return Cells(seed_of_label[label], border)


def _ruffled(
    rng: np.random.Generator, label: NDArray[np.float32], waviness_px: float
) -> NDArray[np.float32]:
    height, width = label.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    for axis in (x, y):
        coarse = rng.standard_normal((height // 16 + 2, width // 16 + 2), dtype=np.float32)
        axis += waviness_px * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return cv2.remap(label, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
