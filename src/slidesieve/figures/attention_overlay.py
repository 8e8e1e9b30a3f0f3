"""Where a model looked: attention of the tiles laid over the slide's overview."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata

from slidesieve.figures.page_layout import axes_at, draw_scale_bar, show_picture
from slidesieve.figures.style import SEQUENTIAL, house_style, new_figure, save_figure
from slidesieve.figures.tile_raster import tile_boxes

_OPACITY = 0.65
# Lengths on the page in inches.
_PANEL_IN, _GAP_IN, _BAR_IN, _HEAD_IN = 4.2, 0.12, 0.15, 0.6
_PAGE_IN = 2 * _PANEL_IN + _BAR_IN + 4 * _GAP_IN + 0.3
_TILE_IN, _STRIP_IN = 1.3, 1.85
# Lightness of the grey slide under the colours, so that tissue shows but does not compete.
_UNDERLAY = (0.35, 1.0)


def attention_overlay(
    overview_rgb: NDArray[np.uint8],
    downsample: float,
    coords: NDArray[np.int64],
    size_level0: int,
    attention: NDArray[np.floating],
    slide_mpp: float,
    title: str,
    path: Path,
    top_tiles: Sequence[NDArray[np.uint8]] = (),
) -> None:
    """Draw the overview beside the same overview under the tiles' attention percentiles.

    Args:
        overview_rgb: (h, w, 3) picture of the whole slide.
        downsample: Level-0 px per overview px.
        coords: (N, 2) top-left corners of the tiles, level-0 px from the picture's corner.
        size_level0: Side of a tile, level-0 px.
        attention: (N,) attention of each tile; NaN for a tile the model's reducer dropped,
            which is left grey.
        slide_mpp: µm per level-0 px, for the scale bar.
        title: Goes above the pictures.
        path: Where to write, png, svg or pdf.
        top_tiles: Pictures of the tiles with the highest attention, highest first; shown in a
            strip below if given.
    """
    height, width = overview_rgb.shape[:2]
    percentile = attention_percentile(attention)
    picture = paint_tiles(overview_rgb, downsample, coords, size_level0, percentile)
    tall = _PANEL_IN * height / width
    strip = _STRIP_IN if len(top_tiles) else 0.0
    figure = new_figure(_PAGE_IN, _HEAD_IN + tall + strip + _GAP_IN, layout="none")
    with house_style():
        left = axes_at(figure, _GAP_IN, _HEAD_IN, _PANEL_IN, tall)
        right = axes_at(figure, 2 * _GAP_IN + _PANEL_IN, _HEAD_IN, _PANEL_IN, tall)
        for axes, image in ((left, overview_rgb), (right, picture)):
            show_picture(axes, image)
        left.set_title(f"{len(attention)} tiles, {np.isfinite(attention).sum()} kept")
        right.set_title("Attention percentile of the kept tiles")
        draw_scale_bar(left, width, height, downsample * slide_mpp)
        bar = axes_at(figure, 3 * _GAP_IN + 2 * _PANEL_IN, _HEAD_IN, _BAR_IN, tall)
        scale = ScalarMappable(Normalize(0, 100), SEQUENTIAL)
        figure.colorbar(scale, cax=bar).outline.set_visible(False)
        if strip:
            _draw_strip(figure, _HEAD_IN + tall, top_tiles, attention)
        figure.suptitle(
            title,
            x=_GAP_IN / _PAGE_IN,
            y=1 - 0.05 / figure.get_figheight(),
            ha="left",
            va="top",
            fontweight="bold",
        )
        save_figure(figure, path)


def attention_percentile(attention: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return each tile's mid-rank among the kept tiles, above 0 and below 100; NaN stays NaN.

    Ranks make slides comparable by eye: raw weights depend on how many tiles share them.
    """
    kept = np.isfinite(attention)
    percentile = np.full(attention.shape, np.nan)
    percentile[kept] = (rankdata(attention[kept]) - 0.5) / max(kept.sum(), 1) * 100
    return percentile


def paint_tiles(
    overview_rgb: NDArray[np.uint8],
    downsample: float,
    coords: NDArray[np.int64],
    size_level0: int,
    percentile: NDArray[np.float64],
) -> NDArray[np.uint8]:
    """Return the overview in pale grey with each tile's ground in the colour of its percentile.

    A tile covers the overview px whose centres lie in it; where tiles overlap, their mean is
    shown. Tiles of NaN percentile are not painted.
    """
    height, width = overview_rgb.shape[:2]
    total, count = np.zeros((height, width)), np.zeros((height, width))
    boxes = tile_boxes((height, width), downsample, coords, size_level0)
    for (x0, y0, x1, y1), value in zip(boxes.tolist(), percentile, strict=True):
        if np.isfinite(value):
            total[y0:y1, x0:x1] += value
            count[y0:y1, x0:x1] += 1
    covered = count > 0
    picture = pale_grey(overview_rgb)
    colors = mpl.colormaps[SEQUENTIAL](total[covered] / count[covered] / 100)[:, :3]
    picture[covered] = (1 - _OPACITY) * picture[covered] + _OPACITY * colors
    return np.round(picture * 255).astype(np.uint8)


def pale_grey(overview_rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the overview as the ground that colours are laid on, (h, w, 3) from 0 to 1."""
    grey = overview_rgb.mean(axis=2) / 255
    pale = _UNDERLAY[0] + (_UNDERLAY[1] - _UNDERLAY[0]) * grey
    return np.repeat(pale[:, :, None], 3, axis=2)


def top_tiles(attention: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Return the indices of the most attended tiles, highest first, the earlier of equals first."""
    order = np.argsort(-np.nan_to_num(attention, nan=-np.inf), kind="stable")
    return order[: min(count, int(np.isfinite(attention).sum()))]


def _draw_strip(
    figure: Figure,
    top_in: float,
    tiles: Sequence[NDArray[np.uint8]],
    attention: NDArray[np.floating],
) -> None:
    highest = np.sort(attention[np.isfinite(attention)])[::-1]
    shares = highest / highest.sum()
    side = min(_TILE_IN, (_PAGE_IN - _GAP_IN) / len(tiles) - _GAP_IN)
    top = top_in + _STRIP_IN - _TILE_IN
    for rank, tile in enumerate(tiles):
        axes = axes_at(figure, _GAP_IN + rank * (side + _GAP_IN), top, side, side)
        axes.imshow(tile)
        axes.set_axis_off()
        axes.set_title(f"{shares[rank]:.1%}", fontsize=8)
    words = "Most attended tiles and their share of the slide's attention"
    figure.text(_GAP_IN / _PAGE_IN, 1 - (top - 0.25) / figure.get_figheight(), words)
