"""Where the tiles of a slide lie on its overview, pixel by pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def tile_boxes(
    shape: tuple[int, int], downsample: float, coords: NDArray[np.int64], size_level0: int
) -> NDArray[np.int64]:
    """Return the overview px of each tile as (N, 4): left, top, right, bottom, ends excluded.

    A tile covers the px whose centres lie in it, and at least one px unless it lies outside.

    Args:
        shape: (height, width) of the overview.
        downsample: Level-0 px per overview px.
        coords: (N, 2) top-left corners, level-0 px.
        size_level0: Side of a tile, level-0 px.
    """
    first = np.ceil(coords / downsample - 0.5).astype(np.int64)
    last = np.ceil((coords + size_level0) / downsample - 0.5).astype(np.int64)
    # A tile smaller than an overview px would else fall between the centres.
    last = np.maximum(last, first + 1)
    edge = np.array(shape[::-1])
    return np.concatenate([first.clip(0, edge), last.clip(0, edge)], axis=1)


def tile_raster(
    shape: tuple[int, int], downsample: float, coords: NDArray[np.int64], size_level0: int
) -> NDArray[np.int64]:
    """Return for each overview px the tile it lies in, (height, width), −1 where in none.

    Where tiles overlap, the last has it. Arguments are those of `tile_boxes`.
    """
    raster = np.full(shape, -1, dtype=np.int64)
    boxes = tile_boxes(shape, downsample, coords, size_level0)
    for index, (left, top, right, bottom) in enumerate(boxes.tolist()):
        raster[top:bottom, left:right] = index
    return raster


def edges(labels: NDArray[np.int64], width_px: int) -> NDArray[np.bool_]:
    """Return the px within `width_px` of another label, (height, width) bool.

    Px of label −1 belong to nothing and have no edge; the picture's border is an edge.
    """
    found = np.zeros(labels.shape, dtype=bool)
    for axis in (0, 1):
        for shift in range(1, width_px + 1):
            found |= _shifted(labels, shift, axis) != labels
            found |= _shifted(labels, -shift, axis) != labels
    return found & (labels >= 0)


def _shifted(labels: NDArray[np.int64], shift: int, axis: int) -> NDArray[np.int64]:
    """Return at each px the label `shift` px further along an axis, −1 beyond the picture."""
    rolled = np.roll(labels, -shift, axis=axis)
    beyond = [slice(None)] * 2
    beyond[axis] = slice(-shift, None) if shift > 0 else slice(None, -shift)
    rolled[tuple(beyond)] = -1
    return rolled
