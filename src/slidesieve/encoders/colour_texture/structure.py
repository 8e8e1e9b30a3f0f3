"""Architecture: holes in the tissue, and how unevenly the stains lie."""

from __future__ import annotations

import cv2
import numpy as np

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


def measure(planes: TilePlanes) -> list[float]:
    """Measure the 13 numbers of `NAMES`."""
    return [
        *_holes(planes.background_half),
        *evenness(planes.background_half),
        *_patchiness(planes.haematoxylin[4]),
        *_patchiness(planes.eosin[4]),
        _correlation(planes.haematoxylin[3], planes.eosin[3]),
    ]


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


def _patchiness(sixteenth: Plane) -> list[float]:
    """Sd of the stain's mean over cells of 32 and 64 px, in OD."""
    values = []
    height, width = sixteenth.shape
    for cell in _CELLS_PX:
        size = (max(1, 16 * width // cell), max(1, 16 * height // cell))
        cells = cv2.resize(sixteenth, size, interpolation=cv2.INTER_AREA)
        values.append(float(cells.std()) / LEVELS_PER_OD)
    return values


def _correlation(first: Plane, second: Plane) -> float:
    """Pearson's correlation of two planes; 0 where one does not vary."""
    a = first.astype(np.float64) - first.mean()
    b = second.astype(np.float64) - second.mean()
    scale = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float(np.clip((a * b).sum() / scale, -1, 1)) if scale else 0.0
