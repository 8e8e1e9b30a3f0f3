"""Where a model looked: attention of the tiles laid over the slide's overview."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from slidesieve.figures.attention_scale import AttentionScale, share_of_even
from slidesieve.figures.page_layout import axes_at, draw_scale_bar, show_picture
from slidesieve.figures.style import house_style, new_figure, save_figure
from slidesieve.figures.tile_colours import draw_colour_bar, paint_tiles

# Lengths on the page in inches.
_PANEL_IN, _GAP_IN, _BAR_IN, _HEAD_IN = 5.2, 0.12, 0.18, 0.85
_PAGE_IN = 2 * _PANEL_IN + _BAR_IN + 4 * _GAP_IN + 0.55
_TILE_IN, _STRIP_IN = 1.5, 2.1


@dataclass(frozen=True)
class AttentionMap:
    """The attention of a model over the tiles of a slide.

    Attributes:
        overview_rgb: (h, w, 3) picture of the whole slide.
        downsample: Level-0 px per overview px.
        coords: (N, 2) top-left corners of the tiles, level-0 px from the picture's corner.
        size_level0: Side of a tile, level-0 px.
        attention: (N,) attention of each tile; NaN for a tile the model's reducer dropped,
            which is left grey.
        slide_mpp: µm per level-0 px, for the scale bar.
        top_tiles: Pictures of the tiles with the highest attention by their row, highest first;
            shown in a strip below if there are any, and numbered on the map.
    """

    overview_rgb: NDArray[np.uint8]
    downsample: float
    coords: NDArray[np.int64]
    size_level0: int
    attention: NDArray[np.floating]
    slide_mpp: float
    top_tiles: dict[int, NDArray[np.uint8]]


def attention_overlay(
    shown: AttentionMap, scale: AttentionScale, title: str, subtitle: str, path: Path
) -> None:
    """Draw the overview beside the same overview under the colours of the tiles' attention.

    Args:
        shown: The slide and its attention.
        scale: From attention to colour.
        title: Goes above the pictures.
        subtitle: Goes below the title: the slide's label and prediction.
        path: Where to write, png, svg, pdf, or jpg.
    """
    height, width = shown.overview_rgb.shape[:2]
    attention, downsample = shown.attention, shown.downsample
    tall = _PANEL_IN * height / width
    strip = _STRIP_IN if shown.top_tiles else 0.0
    figure = new_figure(_PAGE_IN, _HEAD_IN + tall + strip + _GAP_IN, layout="none")
    picture = paint_tiles(
        shown.overview_rgb,
        downsample,
        shown.coords,
        shown.size_level0,
        scale.values(attention),
        scale,
    )
    with house_style():
        left = axes_at(figure, _GAP_IN, _HEAD_IN, _PANEL_IN, tall)
        right = axes_at(figure, 2 * _GAP_IN + _PANEL_IN, _HEAD_IN, _PANEL_IN, tall)
        for axes, image in ((left, shown.overview_rgb), (right, picture)):
            show_picture(axes, image)
        left.set_title(_tile_words(attention))
        right.set_title(scale.title)
        draw_scale_bar(left, width, height, downsample * shown.slide_mpp)
        bar = axes_at(figure, 3 * _GAP_IN + 2 * _PANEL_IN, _HEAD_IN, _BAR_IN, tall)
        draw_colour_bar(figure, bar, scale)
        if strip:
            rows = np.array(list(shown.top_tiles), dtype=np.int64)
            write_tile_numbers(right, shown.coords[rows], downsample, shown.size_level0)
            _draw_strip(figure, _HEAD_IN + tall, shown)
        _write_head(figure, title, subtitle)
        save_figure(figure, path)


def top_tiles(attention: NDArray[np.floating], count: int) -> NDArray[np.int64]:
    """Return the indices of the most attended tiles, highest first, the earlier of equals first."""
    order = np.argsort(-np.nan_to_num(attention, nan=-np.inf), kind="stable")
    return order[: min(count, int(np.isfinite(attention).sum()))]


def write_tile_numbers(
    axes: Axes, corners: NDArray[np.int64], downsample: float, size_level0: int
) -> None:
    """Write 1, 2, … in the middle of tiles on a picture.

    Args:
        axes: Holds the slide's overview, see `show_picture`.
        corners: (n, 2) top-left corners of the tiles, level-0 px from the picture's corner.
        downsample: Level-0 px per overview px.
        size_level0: Side of a tile, level-0 px.
    """
    centres = (corners + size_level0 / 2) / downsample
    for number, (x, y) in enumerate(centres, start=1):
        words = axes.text(x, y, str(number), fontsize=6, ha="center", va="center")
        words.set_path_effects([withStroke(linewidth=1.5, foreground="white")])


def _tile_words(attention: NDArray[np.floating]) -> str:
    n_kept = int(np.isfinite(attention).sum())
    kept = "" if n_kept == len(attention) else f", {n_kept} kept by the reducer"
    return f"The slide: {len(attention)} tiles{kept}"


def _write_head(figure: Figure, title: str, subtitle: str) -> None:
    left, inch = _GAP_IN / _PAGE_IN, 1 / figure.get_figheight()
    place: dict[str, Any] = {"ha": "left", "va": "top"}
    figure.suptitle(title, x=left, y=1 - 0.06 * inch, fontweight="bold", **place)
    figure.text(left, 1 - 0.33 * inch, subtitle, fontsize=11, **place)


def _draw_strip(figure: Figure, top_in: float, shown: AttentionMap) -> None:
    rows, tiles = list(shown.top_tiles), list(shown.top_tiles.values())
    attention = shown.attention / np.nansum(shown.attention)
    times = share_of_even(shown.attention)
    side = min(_TILE_IN, (_PAGE_IN - _GAP_IN) / len(tiles) - _GAP_IN)
    top = top_in + _STRIP_IN - _TILE_IN
    for rank, (row, tile) in enumerate(zip(rows, tiles, strict=True), start=1):
        axes = axes_at(figure, _GAP_IN + (rank - 1) * (side + _GAP_IN), top, side, side)
        axes.imshow(tile)
        axes.set_axis_off()
        axes.set_title(f"{rank}:  {attention[row]:.1%}, {times[row]:.1f} × even", fontsize=8)
    words = "Most attended tiles, and their share of the slide's attention"
    figure.text(_GAP_IN / _PAGE_IN, 1 - (top - 0.27) / figure.get_figheight(), words)
