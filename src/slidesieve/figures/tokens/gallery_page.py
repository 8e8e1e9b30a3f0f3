"""Galleries of a slide's tokens: the tiles themselves, by what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from slidesieve.figures.page_layout import axes_at
from slidesieve.figures.style import DPI, house_style, new_figure, save_figure
from slidesieve.figures.tokens.mosaic import TileSheet

# Lengths in inches.
_GAP_IN, _HEAD_IN, _HEADING_IN = 0.12, 0.35, 0.3
WIDTH_PX = 1110
CELL_PX = 88
_PAGE_IN = WIDTH_PX / DPI + 2 * _GAP_IN


def token_gallery(sections: Sequence[tuple[str, TileSheet]], title: str, path: Path) -> None:
    """Draw mosaics of `WIDTH_PX` below one another, each under its heading.

    Args:
        sections: Heading and tiles.
        title: Goes above.
        path: Where to write.
    """
    heights = [mosaic.picture.shape[0] / DPI for _, mosaic in sections]
    total = _HEAD_IN + sum(heights) + len(sections) * _HEADING_IN + _GAP_IN
    figure = new_figure(_PAGE_IN, total, layout="none")
    with house_style():
        top = _HEAD_IN
        for (heading, mosaic), height in zip(sections, heights, strict=True):
            figure.text(_GAP_IN / _PAGE_IN, 1 - (top + 0.12) / total, heading, va="center")
            top += _HEADING_IN
            if mosaic.labels:
                mosaic.draw(axes_at(figure, _GAP_IN, top, WIDTH_PX / DPI, height))
            top += height
        left, upper = _GAP_IN / _PAGE_IN, 1 - 0.05 / total
        figure.suptitle(title, x=left, y=upper, ha="left", va="top", fontweight="bold")
        save_figure(figure, path)
