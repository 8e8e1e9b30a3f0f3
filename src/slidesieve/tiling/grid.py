"""The tile grid inside tissue polygons."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from slidesieve.store.tile_records import TileSpec


def tile_grid(
    tissue: BaseGeometry, spec: TileSpec, width: int, height: int, min_tissue_fraction: float
) -> NDArray[np.int64]:
    """Lay the grid and keep the tiles that hold enough tissue.

    The grid starts at the slide's origin, whatever the tissue, so that an edited outline moves
    no tile. Tile i starts at i × step_level0, rounded.

    Args:
        tissue: Valid polygons in level-0 px.
        spec: The slide's tile spec.
        width: Width of level 0 in px; no tile reaches beyond it.
        height: Height of level 0 in px.
        min_tissue_fraction: Share (0 to 1) of a tile's area that tissue must cover; some tissue
            must be there even at 0.

    Returns:
        Top-left corners x, y in level-0 px, int64 (N, 2), row after row.
    """
    if tissue.is_empty:
        return np.empty((0, 2), np.int64)
    size = spec.size_level0
    left, top, right, bottom = tissue.bounds
    xs = grid_positions(width, spec)
    ys = grid_positions(height, spec)
    xs = xs[(xs < right) & (xs + size > left)]
    ys = ys[(ys < bottom) & (ys + size > top)]
    edges = polygon_edges(tissue)
    rows = [np.empty((0, 2), np.int64)]
    for y in ys:
        fractions = tissue_fractions(edges, xs, y, size)
        kept = xs[(fractions >= min_tissue_fraction) & (fractions > 0)]
        rows.append(np.column_stack([kept, np.full_like(kept, y)]))
    return np.concatenate(rows)


def grid_positions(extent_level0: int, spec: TileSpec) -> NDArray[np.int64]:
    """Where tiles start along one axis, int64 in level-0 px, each ending inside the extent."""
    count = int(extent_level0 / spec.step_level0) + 1
    starts = np.floor(np.arange(count) * spec.step_level0 + 0.5).astype(np.int64)
    return starts[starts + spec.size_level0 <= extent_level0]


def polygon_edges(tissue: BaseGeometry) -> NDArray[np.float64]:
    """All edges x0, y0, x1, y1 of polygons and holes, (E, 4), tissue on the same side of each."""
    # Normal form runs around polygons one way and around holes the other.
    rings = shapely.get_rings(shapely.get_parts(shapely.normalize(tissue)))
    points, ring = shapely.get_coordinates(rings, return_index=True)
    within_ring = ring[1:] == ring[:-1]
    return np.hstack([points[:-1], points[1:]])[within_ring]


def tissue_fractions(
    edges: NDArray[np.float64], xs: NDArray[np.int64], y: int, size: int
) -> NDArray[np.float64]:
    """Share of each tile in a row of the grid that tissue covers, exactly.

    By Green's theorem the area of a shape left of c is the integral of min(x, c) dy along its
    outline, and that of a horizontal strip of it is the same along what of the outline runs
    through the strip. A tile's tissue is the difference between its right and its left edge.

    Args:
        edges: From `polygon_edges`.
        xs: Left edges of the tiles (N,).
        y: Top edge of all of them.
        size: Side of the tiles.

    Returns:
        (N,) from 0 to 1, to nine decimals.
    """
    upper, lower = np.minimum(edges[:, 1], edges[:, 3]), np.maximum(edges[:, 1], edges[:, 3])
    # Horizontal edges enclose nothing; leaving them out spares a division by zero.
    x0, y0, x1, y1 = edges[(upper < y + size) & (lower > y) & (upper < lower)].T
    slope = (x1 - x0) / (y1 - y0)
    entry, leave = np.clip(y0, y, y + size), np.clip(y1, y, y + size)
    start, end = x0 + slope * (entry - y0), x0 + slope * (leave - y0)
    low, span = np.minimum(start, end), np.abs(end - start)
    cuts = np.concatenate([xs, xs + size])[:, None]
    past = np.clip(cuts - low, 0, span)
    mean_x = np.minimum(cuts, low) + past - past**2 / np.maximum(2 * span, np.finfo(float).tiny)
    left_of = np.abs(mean_x @ (leave - entry)).reshape(2, -1)
    return np.round((left_of[1] - left_of[0]) / size**2, 9)
