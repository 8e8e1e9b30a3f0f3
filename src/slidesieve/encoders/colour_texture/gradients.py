"""Edges and their directions, per stain and scale, by the structure tensor.

Bigun & Granlund 1987: J = mean of (g g^T) over a neighbourhood. Its trace is the energy of the
edges; (l1 - l2) / (l1 + l2) of its eigenvalues, the coherence, is 1 where all edges are parallel
(fibres, muscle) and 0 where they point everywhere (nuclei, fat). All are blind to rotation.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.planes import LEVELS_PER_OD, Plane, TilePlanes

_LEVELS = (1, 2, 3)  # of the pyramid: full size is left to the binary patterns
_STAINS = ("haematoxylin", "eosin")
_CELL_PX = 32  # 16 µm at 0.5 µm a pixel, at every scale
# Sobel's response to a slope of one level a pixel.
_SOBEL_GAIN = 8.0
# Edges are given in OD per 10 px, which brings them near the other numbers.
_UNIT = 10.0 / (_SOBEL_GAIN * LEVELS_PER_OD)
_STATISTICS = ("edge_rms", "edge_spread", "coherence_local", "coherence_tile")

NAMES = tuple(
    f"{stain}_{statistic}_{2**level}px"
    for stain in _STAINS
    for level in _LEVELS
    for statistic in _STATISTICS
)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 24 numbers of `NAMES`, (B, 24)."""
    height, width = tiles[0].haematoxylin_full.shape
    cells = (width // _CELL_PX, height // _CELL_PX)
    tensors = np.array(
        [
            _structure_tensor(pyramid[level], cells)
            for tile in tiles
            for pyramid in (tile.haematoxylin, tile.eosin)
            for level in _LEVELS
        ],
        dtype=np.float64,
    )
    return _tensor_statistics(tensors).reshape(len(tiles), -1)


def _structure_tensor(plane: Plane, cells: tuple[int, int]) -> list[NDArray[np.float32]]:
    """Means of gx², gy² and gx·gy over each cell, (rows, columns) each."""
    along_x, along_y = (along.astype(np.float32) for along in cv2.spatialGradient(plane))
    products = along_x * along_x, along_y * along_y, along_x * along_y
    return [cv2.resize(product, cells, interpolation=cv2.INTER_AREA) for product in products]


def _tensor_statistics(tensors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Four statistics (planes, 4) of tensors (planes, 3, rows, columns)."""
    jxx, jyy, jxy = np.moveaxis(tensors, 1, 0)
    energy = jxx + jyy
    total = np.maximum(energy.sum(axis=(1, 2)), 1e-12)
    parallel = np.hypot(jxx - jyy, 2 * jxy).sum(axis=(1, 2))
    along, across, mixed = (part.sum(axis=(1, 2)) for part in (jxx, jyy, jxy))
    return np.column_stack(
        [
            np.sqrt(energy.mean(axis=(1, 2))) * _UNIT,
            np.sqrt(energy).std(axis=(1, 2)) * _UNIT,
            np.minimum(parallel / total, 1.0),
            np.minimum(np.hypot(along - across, 2 * mixed) / total, 1.0),
        ]
    )
