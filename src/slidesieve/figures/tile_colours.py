"""Colours laid over a slide's overview, and the bar that says what they mean."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from numpy.typing import NDArray

from slidesieve.figures.attention_scale import AttentionScale
from slidesieve.figures.tile_raster import tile_boxes

Colour = str | tuple[float, float, float]
OPACITY = 0.65
# Lightness of the grey slide under the colours, so that tissue shows but does not compete.
_UNDERLAY = (0.35, 1.0)
# Stained tissue there: the ground that legends show their colours on.
_TISSUE_GROUND = 0.75


def paint_tiles(
    overview_rgb: NDArray[np.uint8],
    downsample: float,
    coords: NDArray[np.int64],
    size_level0: int,
    values: NDArray[np.float64],
    scale: AttentionScale,
) -> NDArray[np.uint8]:
    """Return the overview in pale grey with each tile's ground in the colour of its value.

    A tile covers the overview px whose centres lie in it; where tiles overlap, their mean is
    shown. Tiles of NaN value are not painted.
    """
    height, width = overview_rgb.shape[:2]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    boxes = tile_boxes((height, width), downsample, coords, size_level0)
    for (x0, y0, x1, y1), value in zip(boxes.tolist(), values, strict=True):
        if np.isfinite(value):
            total[y0:y1, x0:x1] += value
            count[y0:y1, x0:x1] += 1
    covered = count > 0
    picture = pale_grey(overview_rgb)
    places = np.asarray(scale.norm()(total[covered] / count[covered]))
    colours = mpl.colormaps[scale.colours](places)[:, :3]
    picture[covered] = (1 - OPACITY) * picture[covered] + OPACITY * colours
    return np.round(picture * 255).astype(np.uint8)


def pale_grey(overview_rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the overview as the ground that colours are laid on, (h, w, 3) from 0 to 1."""
    grey = overview_rgb.mean(axis=2) / 255
    pale = _UNDERLAY[0] + (_UNDERLAY[1] - _UNDERLAY[0]) * grey
    return np.repeat(pale[:, :, None], 3, axis=2)


def over_tissue(colour: Colour, opacity: float) -> tuple[float, float, float]:
    """Return a colour (RGB, 0 to 1) as it looks when it is laid over stained tissue."""
    red, green, blue = ((1 - opacity) * _TISSUE_GROUND + opacity * c for c in to_rgb(colour))
    return red, green, blue


def draw_colour_bar(figure: Figure, axes: Axes, scale: AttentionScale) -> None:
    """Fill axes with the bar of a scale, in the colours that tissue has under it."""
    pure = mpl.colormaps[scale.colours](np.linspace(0, 1, 256))[:, :3]
    seen = ListedColormap([over_tissue(tuple(colour), OPACITY) for colour in pure])
    bar = figure.colorbar(ScalarMappable(scale.norm(), seen), cax=axes)
    bar.set_ticks(list(scale.ticks), labels=list(scale.ticks.values()), minor=False)
    bar.minorticks_off()
    bar.outline.set_visible(False)
