"""Nuclei: dark spots of haematoxylin, found by local contrast, counted and sized.

A proxy, not a segmentation: touching nuclei count as one. Sizes are in pixels of the tile and mean
what docs/reference/colour_texture.md says at 0.5 µm a pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.moments import mean_and_sd, mean_within
from slidesieve.encoders.colour_texture.planes import LEVELS_PER_OD, Plane, TilePlanes
from slidesieve.encoders.colour_texture.spatial import BOXES_PX, HALF, components, evenness

_SURROUND = 17  # px of the quarter-size plane: 68 px, a few nuclei wide
_MIN_CONTRAST = 8  # levels of 0.01 OD above the surround's mean
_MIN_LEVEL = 15  # 0.15 OD: fainter haematoxylin is no nucleus
_MIN_AREA_PX = 40  # 10 µm² at 0.5 µm a pixel
_SMALL_PX, _LARGE_PX = 160, 400  # 40 and 100 µm²: lymphocytes below, large or clumped above
_MIN_BLOB = 4  # levels of 0.01 OD
_NEIGHBOURS = np.ones((3, 3), np.uint8)
_PER_PX = 1000.0  # densities are per 1000 px

NAMES = (
    "nuclear_fraction",
    "nuclear_density",
    "nuclear_blob_density",
    "nuclear_area_mean",
    "nuclear_area_sd",
    "nuclear_small_share",
    "nuclear_large_share",
    "nuclear_elongation",
    "nuclear_extent",
    "nuclear_haematoxylin_mean",
    "nuclear_haematoxylin_sd",
    "nuclear_eosin_mean",
    "nuclear_contrast",
    *(f"nuclear_evenness_{box}px" for box in BOXES_PX),
)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 17 numbers of `NAMES`, (B, 17); those about single nuclei are 0 without any."""
    masks = [nuclear_mask(tile) for tile in tiles]
    of_nuclei = [_of_nuclei(tile, mask) for tile, mask in zip(tiles, masks, strict=True)]
    return np.hstack([of_nuclei, evenness(masks)])


def _of_nuclei(planes: TilePlanes, mask: Plane) -> list[float]:
    tile_px = mask.size * HALF**2
    nuclei = components(mask, _MIN_AREA_PX)
    return [
        cv2.countNonZero(mask) / mask.size,
        len(nuclei) * _PER_PX / tile_px,
        _count_blobs(planes) * _PER_PX / tile_px,
        *_shapes(nuclei),
        *_staining(planes, mask),
    ]


def nuclear_mask(planes: TilePlanes) -> Plane:
    """Mask at half size: 255 where haematoxylin stands out from its surround."""
    density = planes.haematoxylin_smooth[1]
    surround = cv2.blur(planes.haematoxylin[2], (_SURROUND, _SURROUND))
    height, width = density.shape
    surround = cv2.resize(surround, (width, height), interpolation=cv2.INTER_LINEAR)
    stands_out = cv2.compare(cv2.subtract(density, surround), _MIN_CONTRAST, cv2.CMP_GE)
    return cv2.bitwise_and(stands_out, cv2.compare(density, _MIN_LEVEL, cv2.CMP_GE))


def _count_blobs(planes: TilePlanes) -> int:
    """Number of local maxima of the difference of Gaussians at the scale of nuclei."""
    contrast = cv2.subtract(planes.haematoxylin_smooth[2], planes.haematoxylin_surround[2])
    is_peak = cv2.compare(contrast, cv2.dilate(contrast, _NEIGHBOURS), cv2.CMP_EQ)
    return cv2.countNonZero(cv2.bitwise_and(is_peak, cv2.compare(contrast, _MIN_BLOB, cv2.CMP_GE)))


def _shapes(nuclei: NDArray[np.int32]) -> list[float]:
    """Size and shape of the nuclei (n, 3): width, height, area."""
    if not len(nuclei):
        return [0.0] * 6
    width, height, area = nuclei.T.astype(np.float64)
    area_px = area * HALF**2
    total = area_px.sum()
    return [
        # An area counts up to a sixteenth of a 256 px tile, so that one blot cannot dominate.
        float(np.minimum(area_px, 4096).mean()) / _PER_PX,
        float(np.minimum(area_px, 4096).std()) / _PER_PX,
        float(area_px[area_px < _SMALL_PX].sum() / total),
        float(area_px[area_px > _LARGE_PX].sum() / total),
        float((1 - np.minimum(width, height) / np.maximum(width, height)).mean()),
        float((area / (width * height)).mean()),
    ]


def _staining(planes: TilePlanes, mask: Plane) -> list[float]:
    """Density of the stains in the nuclei, and by how much haematoxylin exceeds the rest."""
    n_within = cv2.countNonZero(mask)
    if not n_within:
        return [0.0] * 4
    rest = cv2.bitwise_not(cv2.bitwise_or(planes.background_half, mask))
    haematoxylin, eosin = planes.haematoxylin[1], planes.eosin[1]
    mean, sd = mean_and_sd(haematoxylin, mask)
    around = mean_within(haematoxylin, rest, cv2.countNonZero(rest))
    eosin_mean = mean_within(eosin, mask, n_within)
    levels = (mean, sd, eosin_mean, mean - around)
    return [level / LEVELS_PER_OD for level in levels]
