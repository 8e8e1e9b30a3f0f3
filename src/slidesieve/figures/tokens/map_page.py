"""The map of a slide's tokens: what is left and where, what mattered, and what each stage did."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.patches import Patch
from numpy.typing import NDArray

from slidesieve.figures.attention_overlay import write_tile_numbers
from slidesieve.figures.attention_scale import PERCENTILE
from slidesieve.figures.page_layout import axes_at, draw_scale_bar, show_picture
from slidesieve.figures.style import house_style, new_figure, save_figure
from slidesieve.figures.tile_colours import draw_colour_bar, over_tissue, paint_tiles
from slidesieve.figures.tokens.pictures import (
    BORDER,
    GROUP_OPACITY,
    PRUNED_OPACITY,
    STAGE_OPACITY,
    TokenPainter,
)
from slidesieve.figures.tokens.tile_outcomes import (
    KEPT,
    MERGED,
    OUTCOME_COLOURS,
    OUTCOMES,
    PRUNED,
)
from slidesieve.store.tile_records import TileSpec

# Lengths in inches.
_COLUMNS, _PANEL_IN, _TALLEST_IN = 3, 3.6, 5.0
_GAP_IN, _BAR_IN, _HEAD_IN, _TITLE_IN, _LEGEND_IN = 0.12, 0.15, 0.35, 0.27, 0.35
_PAGE_IN = _COLUMNS * (_PANEL_IN + _GAP_IN) + _GAP_IN + _BAR_IN + 0.35
_MOST_NUMBERS = 64
_GROUPS_IN_LEGEND = 3


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
    tokens, overview = painter.tokens, painter.overview
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
            write_tile_numbers(left, shown, overview.downsample, spec.size_level0)
        _draw_weight(figure, weight, painter, spec)
        for stage in range(n_stages):
            axes = place(_COLUMNS + stage)
            show_picture(axes, painter.stage(stage))
            before, after = (_count(column[:, stage]) for column in (tokens.entered, tokens.source))
            axes.set_title(f"Stage {stage + 1}: {before} to {after} tokens")
        _draw_legend(figure, painter)
        _write_title(figure, title)
        save_figure(figure, path)


def _draw_weight(figure: Figure, axes: Axes, painter: TokenPainter, spec: TileSpec) -> None:
    outcomes, overview = painter.outcomes, painter.overview
    values = PERCENTILE.values(outcomes.weight)
    picture = paint_tiles(
        overview.rgb, overview.downsample, painter.coords, spec.size_level0, values, PERCENTILE
    )
    show_picture(axes, picture)
    axes.set_title(f"{outcomes.weight_name.capitalize()}, percentile among the slide's tiles")
    left, bottom, width, height = axes.get_position().bounds
    bar_width = _BAR_IN / _PAGE_IN
    bar = figure.add_axes((left + width + _GAP_IN / _PAGE_IN, bottom, bar_width, height))
    draw_colour_bar(figure, bar, PERCENTILE)


def _draw_legend(figure: Figure, painter: TokenPainter) -> None:
    outcomes, tokens = painter.outcomes, painter.tokens
    n_kept, n_merged, n_pruned = (
        int((outcomes.outcome == outcome).sum()) for outcome in (KEPT, MERGED, PRUNED)
    )
    n_groups = len(tokens.token_size) - n_kept
    words = {
        KEPT: f"kept as it is: {n_kept} tiles",
        MERGED: f"merged: {n_merged} tiles in {n_groups} tokens, one colour per token",
        PRUNED: f"pruned: {n_pruned} tiles",
    }
    occurring = np.unique(outcomes.outcome).tolist()
    patches: list[Any] = [_left_patch(outcome, painter) for outcome in occurring]
    labels = [words[outcome] for outcome in occurring]
    corner = (_GAP_IN / _PAGE_IN, 0.0)
    figure.legend(
        patches,
        labels,
        loc="lower left",
        bbox_to_anchor=corner,
        ncols=3,
        handlelength=2.6,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0.0)},
    )
    if tokens.n_stages > 1:
        stages = [
            Patch(color=over_tissue(OUTCOME_COLOURS[outcome], STAGE_OPACITY), label=name)
            for outcome, name in enumerate(OUTCOMES)
        ]
        corner = (1 - _GAP_IN / _PAGE_IN, 0.0)
        figure.legend(
            handles=stages, title="Each stage", loc="lower right", bbox_to_anchor=corner, ncols=3
        )


def _left_patch(outcome: int, painter: TokenPainter) -> Artist | tuple[Artist, ...]:
    """Show an outcome as the picture of the tokens left shows it."""
    colour = OUTCOME_COLOURS[outcome]
    if outcome == KEPT:
        return Patch(facecolor="white", edgecolor=colour, linewidth=1.5)
    if outcome == PRUNED:
        line = over_tissue(colour, PRUNED_OPACITY)
        return Patch(facecolor=over_tissue("white", 0), edgecolor=line, hatch="////", linewidth=0)
    groups = painter.colour_of_group[:_GROUPS_IN_LEGEND] / np.float64(255)
    return tuple(
        Patch(facecolor=over_tissue(tuple(group), GROUP_OPACITY), edgecolor=BORDER, linewidth=0.5)
        for group in groups
    )


def _write_title(figure: Figure, title: str) -> None:
    top = 1 - 0.05 / figure.get_figheight()
    place = {"x": _GAP_IN / figure.get_figwidth(), "y": top, "ha": "left", "va": "top"}
    figure.suptitle(title, fontweight="bold", **place)


def _count(token: NDArray[np.int64]) -> int:
    return len(np.unique(token[token >= 0]))
