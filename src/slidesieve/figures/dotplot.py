"""Metrics of all models side by side, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slidesieve.figures.metric_labels import METRIC_WORDS
from slidesieve.figures.style import colour_of, house_style, new_figure, save_figure

_ROW_IN = 0.3
_PANEL_IN = 2.3


def metric_dot_plot(
    summary: pd.DataFrame, metrics: Sequence[str], level: str, title: str, path: Path
) -> None:
    """Draw a dot (pooled predictions) and a bar (95 % interval) per model, a panel per metric.

    Args:
        summary: Rows of summary.csv.
        metrics: Which ones, in order.
        level: "slide" or "patient".
        title: Goes above the panels.
        path: Where to write, png, svg or pdf.
    """
    rows = summary[summary["level"] == level]
    encoders = list(dict.fromkeys(rows["encoder"]))
    models = list(dict.fromkeys(zip(rows["encoder"], rows["model"], strict=True)))
    names = [model if len(encoders) == 1 else f"{encoder} · {model}" for encoder, model in models]
    figure = new_figure(1.6 + _PANEL_IN * len(metrics), 1.25 + _ROW_IN * len(models))
    with house_style():
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            cells = rows[rows["metric"] == metric].set_index(["encoder", "model"]).loc[models]
            colors = [colour_of(encoders.index(encoder)) for encoder, _ in models]
            _draw_metric(panel, cells, colors)
            words, better = METRIC_WORDS[metric]
            panel.set_title(f"{words}\n{better} is better", fontsize=8.5)
        panels[0].set_yticks(range(len(models)), names)
        panels[0].set_ylim(len(models) - 0.5, -0.5)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)


def _draw_metric(panel: Axes, cells: pd.DataFrame, colors: list[str]) -> None:
    place = np.arange(len(cells))
    panel.hlines(place, cells["ci_low"], cells["ci_high"], color=colors, linewidth=2, alpha=0.6)
    panel.scatter(cells["pooled"], place, c=colors, s=28, zorder=3)
    panel.grid(axis="x")
    panel.set_axisbelow(True)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
