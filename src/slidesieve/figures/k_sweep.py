"""How good models are by the number of tokens they keep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from slidesieve.figures.metric_labels import METRIC_WORDS
from slidesieve.figures.style import GREY, colour_of, house_style, new_figure, save_figure
from slidesieve.paper_tables.sweeps import KSweep

_PANEL_IN = (4.2, 3.4)
# Sweeps stand side by side at each k, a few per cent apart.
_APART = 1.05


def k_sweep_figure(
    summary: pd.DataFrame,
    sweeps: Sequence[KSweep],
    metrics: Sequence[str],
    level: str,
    title: str,
    path: Path,
) -> None:
    """Draw each metric against k, a line a sweep with its 95 % intervals, and the full bag.

    Args:
        summary: Rows of summary.csv, of one encoder.
        sweeps: One or more.
        metrics: A panel each.
        level: "slide" or "patient".
        title: Goes above the panels.
        path: Where to write, png, svg or pdf.
    """
    rows = summary[summary["level"] == level].set_index(["metric", "model"])
    width, height = _PANEL_IN
    figure = new_figure(width * len(metrics), height + 0.35)
    with house_style():
        panels = figure.subplots(1, len(metrics), squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            _draw_metric(panel, cast(pd.DataFrame, rows.loc[metric]), sweeps)
            words, better = METRIC_WORDS[metric]
            panel.set_title(f"{words} ({better} is better)")
        panels[0].legend(loc="best")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)


def _draw_metric(panel: Axes, cells: pd.DataFrame, sweeps: Sequence[KSweep]) -> None:
    for name in dict.fromkeys(sweep.full_bag for sweep in sweeps if sweep.full_bag):
        full = cast("pd.Series[float]", cells.loc[name])
        panel.axhline(full["pooled"], color=GREY, linestyle="--", label=f"{name}, all tokens")
        panel.axhspan(full["ci_low"], full["ci_high"], color=GREY, alpha=0.15, linewidth=0)
    for number, sweep in enumerate(sweeps):
        k = np.array(list(sweep.models), dtype=float) * _APART ** (number - (len(sweeps) - 1) / 2)
        found = cells.loc[list(sweep.models.values())]
        color = colour_of(number)
        panel.plot(k, found["pooled"], "o-", color=color, markersize=5, label=sweep.name)
        panel.vlines(k, found["ci_low"], found["ci_high"], color=color, linewidth=2, alpha=0.6)
    ticks = sorted({k for sweep in sweeps for k in sweep.models})
    panel.set_xscale("log", base=2)
    panel.set_xticks(ticks, [str(k) for k in ticks])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set_xlabel("Tokens kept of each slide, K")
    panel.grid(axis="y")
