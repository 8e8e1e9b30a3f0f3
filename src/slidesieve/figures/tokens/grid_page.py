"""One slide under several models side by side, as in Figure 3 of DTC-WSI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from slidesieve.figures.page_layout import axes_at, draw_scale_bar, show_picture
from slidesieve.figures.style import DPI, house_style, new_figure, save_figure
from slidesieve.figures.tokens.mosaic import TileSheet
from slidesieve.figures.tokens.tile_outcomes import OUTCOME_COLOURS, OUTCOMES

# Lengths in inches.
_MOST_COLUMNS = 4
_GAP_IN, _HEAD_IN, _TITLE_IN, _HEADING_IN, _TALLEST_IN = 0.15, 0.35, 0.42, 0.2, 4.5
WIDTH_PX, CELL_PX = 436, 96
_COLUMN_IN = WIDTH_PX / DPI


@dataclass(frozen=True)
class GridColumn:
    """One model's part of the page.

    Attributes:
        title: Two lines: the model, and how much of the slide it leaves.
        picture: The tokens left, on the overview.
        samples: Per outcome its tiles, mosaics of `WIDTH_PX`.
    """

    title: str
    picture: NDArray[np.uint8]
    samples: dict[int, TileSheet]


def token_grid(columns: Sequence[GridColumn], mpp_overview: float, title: str, path: Path) -> None:
    """Draw models side by side, up to four in a row: the tokens left, and tiles of each outcome.

    Args:
        columns: One or more, pictures all of one shape.
        mpp_overview: µm per px of the pictures.
        title: Goes above.
        path: Where to write.
    """
    height, width = columns[0].picture.shape[:2]
    panel = min(_COLUMN_IN, _TALLEST_IN * width / height)
    heights = {
        outcome: max(column.samples[outcome].picture.shape[0] for column in columns) / DPI
        for outcome in columns[0].samples
    }
    samples_in = sum(_HEADING_IN + tall for tall in heights.values())
    line_in = _TITLE_IN + panel * height / width + _GAP_IN + samples_in
    n_across = min(len(columns), _MOST_COLUMNS)
    n_lines = -(-len(columns) // _MOST_COLUMNS)
    figure = new_figure(
        n_across * (_COLUMN_IN + _GAP_IN) + _GAP_IN, _HEAD_IN + n_lines * line_in, layout="none"
    )
    with house_style():
        for number, column in enumerate(columns):
            line, across = divmod(number, _MOST_COLUMNS)
            left = _GAP_IN + across * (_COLUMN_IN + _GAP_IN)
            top = _HEAD_IN + line * line_in + _TITLE_IN
            axes = axes_at(figure, left, top, panel, panel * height / width)
            show_picture(axes, column.picture)
            draw_scale_bar(axes, width, height, mpp_overview)
            axes.set_title(column.title)
            _draw_samples(figure, column, heights, left, top + panel * height / width + _GAP_IN)
        page_width, page_height = figure.get_size_inches()
        place = {"x": _GAP_IN / page_width, "y": 1 - 0.05 / page_height, "ha": "left", "va": "top"}
        figure.suptitle(title, fontweight="bold", **place)
        save_figure(figure, path)


def _draw_samples(
    figure: Figure, column: GridColumn, heights: dict[int, float], left: float, top: float
) -> None:
    page_width, page_height = figure.get_size_inches()
    for outcome, mosaic in column.samples.items():
        words = OUTCOMES[outcome] if mosaic.labels else f"{OUTCOMES[outcome]}: none"
        y = 1 - (top + 0.1) / page_height
        colour = OUTCOME_COLOURS[outcome]
        figure.text(left / page_width, y, words, color=colour, va="center", fontweight="bold")
        top += _HEADING_IN
        if mosaic.labels:
            tall = mosaic.picture.shape[0] / DPI
            mosaic.draw(axes_at(figure, left, top, _COLUMN_IN, tall))
        top += heights[outcome]
