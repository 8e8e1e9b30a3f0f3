"""How much of each stain a tile holds: statistics of the stain planes' histograms."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture.moments import mean_and_sd
from slidesieve.encoders.colour_texture.planes import (
    LEVELS_PER_OD,
    RESIDUAL_ZERO,
    Plane,
    TilePlanes,
)

_STAINS = ("haematoxylin", "eosin", "residual")
_QUANTILES = (0.05, 0.25, 0.50, 0.75, 0.95)
_STATISTICS = ("mean", "sd", "p05", "p25", "p50", "p75", "p95", "skew", "entropy")

NAMES = (
    *(f"{stain}_{statistic}" for stain in _STAINS for statistic in _STATISTICS),
    *(f"{stain}_tissue_{statistic}" for stain in _STAINS for statistic in ("mean", "sd")),
)

_ZERO_LEVELS = np.array([[0.0], [0.0], [RESIDUAL_ZERO]])
_LEVELS = np.arange(256)


def measure(tiles: Sequence[TilePlanes]) -> NDArray[np.float64]:
    """Measure the 33 numbers of `NAMES`, (B, 33); densities in OD."""
    full = [(tile.haematoxylin_full, tile.eosin[1], tile.residual_half) for tile in tiles]
    histograms = np.array([[histogram(plane) for plane in planes] for planes in full])
    summaries = _summary(histograms).reshape(len(tiles), -1)
    return np.hstack([summaries, [_tissue_statistics(tile) for tile in tiles]])


def histogram(plane: Plane) -> NDArray[np.float64]:
    """Share of the pixels at each of the 256 levels."""
    counts = cv2.calcHist([plane], [0], None, [256], [0, 256]).ravel()
    return counts / float(plane.size)


def _summary(histograms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Statistics (B, planes, 9) of histograms (B, planes, 256)."""
    # A product for each tile: one for all might round by how many there are.
    mean = histograms @ _LEVELS
    variance = histograms @ (_LEVELS * _LEVELS) - mean * mean
    sd = np.sqrt(np.maximum(variance, 0.0))
    cumulated = np.cumsum(histograms, axis=-1)
    # Half a pixel's slack keeps rounding of the sum from moving a quantile by a level.
    quantiles = np.stack([(cumulated < share - 1e-9).sum(axis=-1) for share in _QUANTILES], axis=-1)
    centred = quantiles - _ZERO_LEVELS
    return np.concatenate(
        [
            (mean - _ZERO_LEVELS[:, 0])[..., None] / LEVELS_PER_OD,
            sd[..., None] / LEVELS_PER_OD,
            centred / LEVELS_PER_OD,
            _quartile_skew(quantiles)[..., None],
            _entropy(histograms)[..., None],
        ],
        axis=-1,
    )


def _quartile_skew(quantiles: NDArray[np.int64]) -> NDArray[np.float64]:
    """Bowley's skewness (q75 + q25 - 2 q50) / (q75 - q25), in [-1, 1], 0 without spread."""
    low, middle, high = quantiles[..., 1], quantiles[..., 2], quantiles[..., 3]
    return (high + low - 2 * middle) / np.maximum(high - low, 1)


def _entropy(histograms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shannon entropy as a share of the 8 bits possible."""
    logs = np.log2(histograms, out=np.zeros_like(histograms), where=histograms > 0)
    return -(histograms * logs).sum(axis=-1) / 8


def _tissue_statistics(planes: TilePlanes) -> list[float]:
    """Mean and sd of each stain where there is tissue; 0 without any."""
    tissue = cv2.bitwise_not(planes.background_half)
    if not cv2.countNonZero(tissue):
        return [0.0] * 6
    values = []
    for plane, zero in zip(
        (planes.haematoxylin[1], planes.eosin[1], planes.residual_half),
        _ZERO_LEVELS[:, 0],
        strict=True,
    ):
        mean, sd = mean_and_sd(plane, tissue)
        values += [(mean - zero) / LEVELS_PER_OD, sd / LEVELS_PER_OD]
    return values
