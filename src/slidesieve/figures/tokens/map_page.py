"""The map of a slide's tokens: what is left and where, what mattered, and what each stage did."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from slidesieve.figures.attention_overlay import attention_percentile, paint_tiles
from slidesieve.figures.page_layout import axes_at, draw_scale_bar, show_picture
from slidesieve.figures.style import SEQUENTIAL, house_style, new_figure, save_figure
from slidesieve.figures.tokens.pictures import TokenPainter
from slidesieve.figures.tokens.tile_outcomes import (
    KEPT,
    MERGED,
    OUTCOME_COLOURS,
    PRUNED,
    TileOutcomes,
)
from slidesieve.store.tile_records import TileSpec
from slidesieve.store.tokens import TokenSet

# Lengths in inches.
_COLUMNS, _PANEL_IN, _TALLEST_IN = 3, 4.0, 5.5
_GAP_IN, _BAR_IN, _HEAD_IN, _TITLE_IN, _LEGEND_IN = 0.12, 0.15, 0.35, 0.27, 0.35
_PAGE_IN = _COLUMNS * (_PANEL_IN + _GAP_IN) + _GAP_IN + _BAR_IN + 0.35
_MOST_NUMBERS = 64


def token_map(
    painter: TokenPainter, spec: TileSpec, title: str, path: Path, kept_rows: NDArray[np.int64]
) -> None:
    """Draw the slide, its tokens, the tiles' importance and, if there are several, each stage.

    Args:
        painter: Of the slide's tokens.
        spec: Of the tiles.
        title: Goes above.
        path: Where to write.
        kept_rows: Tiles that are kept as they are in the order of their numbers, which are written
            beside them if they are few.
    """
    tokens, outcomes, overview = painter.tokens, painter.outcomes, painter.overview
    height, width = overview.rgb.shape[:2]
    panel = min(_PANEL_IN, _TALLEST_IN * width / height)
    line_in = _TITLE_IN + panel * height / width + _GAP_IN
    n_stages = tokens.n_stages if tokens.n_stages > 1 else 0
    n_lines = 1 + -(-n_stages // _COLUMNS)
    figure = new_figure(_PAGE_IN, _HEAD_IN + n_lines * line_in + _LEGEND_IN, layout="none")

    def place(number: int) -> Axes:
        line, column = divmod(number, _COLUMNS)
        left = _GAP_IN + column * (_PANEL_IN + _GAP_IN)
        top = _HEAD_IN + line * line_in + _TITLE_IN
        return axes_at(figure, left, top, panel, panel * height / width)

    with house_style():
        slide, left, weight = (place(number) for number in range(3))
        show_picture(slide, overview.rgb)
        slide.set_title(f"The slide: {len(tokens.coords)} tiles")
        draw_scale_bar(slide, width, height, overview.downsample * spec.slide_mpp)
        show_picture(left, painter.tokens_left())
        left.set_title(f"Tokens left: {len(tokens.token_size)}")
        if len(kept_rows) <= _MOST_NUMBERS:
            shown = painter.coords[kept_rows]
            _write_numbers(left, shown, overview.downsample, spec.size_level0)
        _draw_weight(figure, weight, painter, spec)
        for stage in range(n_stages):
            axes = place(_COLUMNS + stage)
            show_picture(axes, painter.stage(stage))
            before, after = (_count(column[:, stage]) for column in (tokens.entered, tokens.source))
            axes.set_title(f"Stage {stage + 1}: {before} to {after} tokens")
        _draw_legend(figure, outcomes, tokens)
        _write_title(figure, title)
        save_figure(figure, path)


def _draw_weight(figure: Figure, axes: Axes, painter: TokenPainter, spec: TileSpec) -> None:
    outcomes, overview = painter.outcomes, painter.overview
    percentile = attention_percentile(outcomes.weight)
    coords = painter.coords
    picture = paint_tiles(overview.rgb, overview.downsample, coords, spec.size_level0, percentile)
    show_picture(axes, picture)
    axes.set_title(f"{outcomes.weight_name.capitalize()}, percentile among the slide's tiles")
    left, bottom, width, height = axes.get_position().bounds
    bar_width = _BAR_IN / _PAGE_IN
    bar = figure.add_axes((left + width + _GAP_IN / _PAGE_IN, bottom, bar_width, height))
    scale = ScalarMappable(Normalize(0, 100), SEQUENTIAL)
    figure.colorbar(scale, cax=bar).outline.set_visible(False)


def _write_numbers(
    axes: Axes, corners: NDArray[np.int64], downsample: float, size_level0: int
) -> None:
    centres = (corners + size_level0 / 2) / downsample
    for number, (x, y) in enumerate(centres, start=1):
        words = axes.text(x, y, str(number), fontsize=6, ha="center", va="center")
        words.set_path_effects([withStroke(linewidth=1.5, foreground="white")])


def _draw_legend(figure: Figure, outcomes: TileOutcomes, tokens: TokenSet) -> None:
    n_kept, n_merged, n_pruned = (
        int((outcomes.outcome == outcome).sum()) for outcome in (KEPT, MERGED, PRUNED)
    )
    n_groups = len(tokens.token_size) - n_kept
    words = {
        KEPT: f"kept as it is: {n_kept} tiles",
        MERGED: f"merged: {n_merged} tiles in {n_groups} tokens, each in a colour of its own above",
        PRUNED: f"pruned: {n_pruned} tiles, hatched above",
    }
    occurring = np.unique(outcomes.outcome).tolist()
    patches = [Patch(color=OUTCOME_COLOURS[outcome], label=words[outcome]) for outcome in occurring]
    corner = (_GAP_IN / _PAGE_IN, 0.0)
    figure.legend(handles=patches, loc="lower left", bbox_to_anchor=corner, ncols=3)


def _write_title(figure: Figure, title: str) -> None:
    top = 1 - 0.05 / figure.get_figheight()
    place = {"x": _GAP_IN / figure.get_figwidth(), "y": top, "ha": "left", "va": "top"}
    figure.suptitle(title, fontweight="bold", **place)


def _count(token: NDArray[np.int64]) -> int:
    return len(np.unique(token[token >= 0]))
