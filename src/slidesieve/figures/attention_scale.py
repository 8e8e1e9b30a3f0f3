"""Scales on which the attention of a slide's tiles becomes colour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import NDArray
from scipy.stats import rankdata

from slidesieve.figures.style import DIVERGING, SEQUENTIAL

Weights = NDArray[np.floating]


@dataclass(frozen=True)
class AttentionScale:
    """A way to turn weights of tiles into colours.

    Attributes:
        values: Turns (N,) weights into (N,) values on the scale; NaN stays NaN.
        norm: Makes a new map of values to 0 … 1; values beyond its ends have the end's colour.
        colours: Name of the colour map.
        title: What the values are.
        ticks: Values that are marked, with their words.
    """

    values: Callable[[Weights], NDArray[np.float64]]
    norm: Callable[[], Normalize]
    colours: str
    title: str
    ticks: dict[float, str] = field(default_factory=dict)


def share_of_even(attention: Weights) -> NDArray[np.float64]:
    """Return each tile's attention as a multiple of even attention: 1 if all kept had the same."""
    kept = np.isfinite(attention)
    total = attention[kept].sum()
    return attention / total * kept.sum() if total > 0 else np.full(attention.shape, np.nan)


def percentile(weights: Weights) -> NDArray[np.float64]:
    """Return each tile's mid-rank among the kept tiles, above 0 and below 100; NaN stays NaN."""
    kept = np.isfinite(weights)
    ranked = np.full(weights.shape, np.nan)
    ranked[kept] = (rankdata(weights[kept]) - 0.5) / max(kept.sum(), 1) * 100
    return ranked


# The same ends for every slide, so that slides can be compared by eye.
SHARE = AttentionScale(
    share_of_even,
    lambda: LogNorm(1 / 16, 16, clip=True),
    DIVERGING,
    "Attention, as a multiple of even attention",
    {
        1 / 16: "≤ 1/16",
        1 / 4: "1/4",
        1.0: "even",
        4.0: "4 ×",
        16.0: "≥ 16 ×",
    },
)
PERCENTILE = AttentionScale(
    percentile,
    lambda: Normalize(0, 100, clip=True),
    SEQUENTIAL,
    "Attention, percentile among the kept tiles",
    {float(value): str(value) for value in (0, 20, 40, 60, 80, 100)},
)
ATTENTION_SCALES = {"share": SHARE, "percentile": PERCENTILE}
