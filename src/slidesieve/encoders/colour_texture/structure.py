"""Architecture: holes in the tissue, and how unevenly the stains lie."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.planes import LEVELS_PER_OD, Plane, TilePlanes
from slidesieve.encoders.colour_texture.spatial import BOXES_PX, HALF, components, evenness

_MIN_HOLE_PX = 100  # 25 µm² at 0.5 µm a pixel: smaller gaps are cracks between cells
_PER_PX = 1000.0
_CELLS_PX = (32, 64)

NAMES = (
    "hole_density",
    "hole_largest_fraction",
    "hole_area_mean",
    "hole_extent",
    *(f"background_evenness_{box}px" for box in BOXES_PX),
    *(f"{stain}_patchiness_{cell}px" for stain in ("haematoxylin", "eosin") for cell in _CELLS_PX),
    "stain_correlation",
)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 13 numbers of `NAMES`, (B, 13)."""
    backgrounds = [tile.background_half for tile in tiles]
    correlation = _correlation(
        np.array([tile.haematoxylin[3] for tile in tiles], dtype=np.float64),
        np.array([tile.eosin[3] for tile in tiles], dtype=np.float64),
    )
    return np.hstack(
        [
            [_holes(background) for background in backgrounds],
            evenness(backgrounds),
            _patchiness([tile.haematoxylin[4] for tile in tiles]),
            _patchiness([tile.eosin[4] for tile in tiles]),
            correlation[:, None],
        ]
    )


def _holes(background_half: Plane) -> list[float]:
    """Number, size and shape of lumens, fat cells and gaps."""
    holes = components(background_half, _MIN_HOLE_PX)
    if not len(holes):
        return [0.0] * 4
    width, height, area = holes.T.astype(np.float64)
    fraction = area / background_half.size
    return [
        len(holes) * _PER_PX / (background_half.size * HALF**2),
        float(fraction.max()),
        float(fraction.mean()),
        float((area / (width * height)).mean()),
    ]


def _patchiness(sixteenths: Sequence[Plane]) -> NDArray[np.float64]:
    """Sd of the stain's mean over cells of 32 and 64 px, in OD, (B, 2)."""
    values = []
    height, width = sixteenths[0].shape
    for cell in _CELLS_PX:
        size = (max(1, 16 * width // cell), max(1, 16 * height // cell))
        cells = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in sixteenths]
        values.append(np.std(cells, axis=(1, 2)) / LEVELS_PER_OD)
    return np.column_stack(values)


def _correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pearson's correlation of planes (B, H, W), (B,); 0 where one does not vary."""
    over = (1, 2)
    a = first - first.mean(axis=over, keepdims=True)
    b = second - second.mean(axis=over, keepdims=True)
    scale = np.sqrt((a * a).sum(axis=over) * (b * b).sum(axis=over))
    product = (a * b).sum(axis=over)
    return np.clip(np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0), -1, 1)
