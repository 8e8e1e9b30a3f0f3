"""The distance of neighbouring tiles: what a file says of it, and what its tiles' places tell."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

UNKNOWN = 0.0
# Distances of up to so many pitches are looked at first; each round looks twice as far.
_FIRST_REACH = 4
# Tiles start at whole pixels, so places of one column can differ by one.
_SAME_PX = 1


def stated_pitch(attributes: Mapping) -> float:
    """Return the pitch that the attributes of `coords` state, in level-0 px, or `UNKNOWN`.

    Ours name it (`step_level0`); TRIDENT's give tile size and overlap at the target magnification
    and the tile size at level 0; CLAM's give the tile size at a level and the level's downsample.
    """
    if "step_level0" in attributes:
        return float(attributes["step_level0"])
    if "patch_size" not in attributes:
        return UNKNOWN
    size = float(attributes["patch_size"])
    step = size - float(attributes.get("overlap", 0))
    if "patch_size_level0" in attributes:
        return step * float(attributes["patch_size_level0"]) / size
    if "downsample" in attributes:
        return step * float(np.ravel(attributes["downsample"])[0])
    return UNKNOWN


def inferred_pitch(coords: NDArray[np.integer]) -> float:
    """Return the pitch of the grid that tiles lie on, in level-0 px, or `UNKNOWN`.

    The smallest distance of two columns or two rows is the pitch to within a pixel, for tiles
    start at whole pixels. Least squares over distances of up to 4, 8, 16, … pitches make it
    exact enough for grids of hundreds of tiles. Grids of several phases on one slide (CLAM starts
    one at each contour) are not told apart: files of CLAM state their pitch.

    Args:
        coords: (N, 2) top-left corners in level-0 px.
    """
    if len(coords) == 1:
        return 1.0  # one tile is at (0, 0) of any grid
    distances = np.concatenate([_distances(np.unique(axis)) for axis in coords.T])
    distances = distances[distances > _SAME_PX]
    if not len(distances):
        return UNKNOWN
    pitch, furthest, reach = distances.min(), distances.max(), _FIRST_REACH
    while True:
        steps = np.round(distances / pitch)
        near = steps <= reach
        pitch = float((steps * distances)[near].sum() / np.square(steps[near]).sum())
        if reach * pitch >= furthest:
            return pitch
        reach *= 2


def _distances(positions: NDArray[np.integer]) -> NDArray[np.float64]:
    """Distances of all pairs of sorted positions."""
    first, second = np.triu_indices(len(positions), k=1)
    return (positions[second] - positions[first]).astype(np.float64)
