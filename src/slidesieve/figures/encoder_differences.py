"""What another encoder changes: paired differences of each model, with their intervals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from slidesieve.figures.metric_labels import MAIN_METRICS, METRIC_WORDS
from slidesieve.figures.style import colour_of, house_style, new_figure, save_figure

_ROW_IN, _HEAD_IN = 0.3, 1.45
_LABELS_IN, _PANEL_IN = 2.4, 2.5
_DIFFERENCE = ["model", "encoder_a", "metric"]


def encoder_differences_plot(comparisons: pd.DataFrame, level: str, title: str, path: Path) -> None:
    """Draw a dot and a 95 % interval per model and encoder, a panel per main metric.

    A dot at the right of the line says that the encoder named at the left has the greater value.

    Args:
        comparisons: Rows of encoder_comparisons.csv: encoder_a minus encoder_b, the first encoder.
        level: "slide" or "patient".
        title: Goes above the panels.
        path: Where to write, png, svg or pdf.
    """
    # Several tests of one difference stand in rows of their own.
    rows = comparisons[comparisons["level"] == level].drop_duplicates(_DIFFERENCE)
    metrics = [name for name in MAIN_METRICS if name in set(rows["metric"])]
    pairs = list(dict.fromkeys(zip(rows["model"], rows["encoder_a"], strict=True)))
    encoders = list(dict.fromkeys(rows["encoder_a"]))
    first = rows["encoder_b"].iloc[0]
    figure = new_figure(_LABELS_IN + _PANEL_IN * len(metrics), _HEAD_IN + _ROW_IN * len(pairs))
    place = np.arange(len(pairs))
    with house_style():
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            own = rows[rows["metric"] == metric].set_index(["model", "encoder_a"]).loc[pairs]
            colours = [colour_of(encoders.index(encoder)) for _, encoder in pairs]
            panel.hlines(place, own["ci_low"], own["ci_high"], color=colours, linewidth=2)
            panel.scatter(own["difference"], place, c=colours, s=28, zorder=3)
            panel.axvline(0, color="black", linewidth=0.8)
            panel.set_title(f"{METRIC_WORDS[metric][0]}\nminus that on {first}", fontsize=8.5)
            panel.grid(axis="x")
            panel.set_axisbelow(True)
            panel.tick_params(axis="y", length=0)
            panel.spines["left"].set_visible(False)
        panels[0].set_yticks(place, [f"{model} on {encoder}" for model, encoder in pairs])
        panels[0].set_ylim(len(pairs) - 0.5, -0.5)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)
