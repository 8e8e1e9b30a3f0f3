"""Dots with intervals, a row each: what the panels of an audit are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slidesieve.figures.style import colour_of


def draw_intervals(
    panel: Axes, rows: pd.DataFrame, labels: Sequence[str] | None, color: int = 0
) -> None:
    """Draw a dot and its interval per row, the first at the top.

    Args:
        panel: Where to draw.
        rows: value, ci_low, ci_high; a NaN interval is left out, a NaN value too.
        labels: Names of the rows, or None where a neighbouring panel shows them.
        color: Which colour of the palette.
    """
    place = np.arange(len(rows))
    panel.hlines(
        place, rows["ci_low"], rows["ci_high"], color=colour_of(color), linewidth=2, alpha=0.6
    )
    panel.scatter(rows["value"], place, color=colour_of(color), s=28, zorder=3)
    if labels is not None:
        panel.set_yticks(place, labels)
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.grid(axis="x")
    panel.set_axisbelow(True)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
