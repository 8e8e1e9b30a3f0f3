"""A figure that says why there is no figure."""

from __future__ import annotations

from pathlib import Path
from textwrap import fill

from slidesieve.figures.style import house_style, new_figure, save_figure

_WIDTH_CHARACTERS = 70


def notice_figure(reason: str, title: str, path: Path) -> None:
    """Write a small figure holding a reason in words.

    Args:
        reason: Why nothing can be drawn.
        title: Goes above it.
        path: Where to write, png, svg or pdf.
    """
    figure = new_figure(6.0, 1.6)
    with house_style():
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(0.0, 0.5, fill(reason, _WIDTH_CHARACTERS), va="center")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)
