"""Models on the cohort they were trained on beside another one, as a picture and as a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slidesieve.figures.html_page import Cell, heading, paragraph, table, write_page
from slidesieve.figures.metric_labels import MAIN_METRICS, METRIC_WORDS
from slidesieve.figures.style import GREY, colour_of, house_style, new_figure, save_figure
from slidesieve.figures.table_pages import comparison_parts

_ROW_IN = 0.42
_PANEL_IN = 2.3
# Side, colour, and where its dot lies from the middle of the model's row.
_SIDES = (("internal", GREY, -0.14), ("external", colour_of(0), 0.14))
_LEVELS = {"slide": "Slides", "patient": "Patients"}
_HEAD = ["Encoder", "Model", "Metric", "Internal", "External", "Difference"]
_WORDS = (
    "Internal: out-of-fold predictions of the cohort that the models were trained on. External: "
    "this cohort, by the mean of the folds' models. Below each value its 95 % interval (bootstrap "
    "over patients); the interval of the difference is made of these two (Zou and Donner 2008). "
    "Bold: the interval of the difference leaves out 0."
)


def external_plot(
    rows: pd.DataFrame, metrics: Sequence[str], level: str, title: str, path: Path
) -> None:
    """Draw two dots with 95 % intervals per model, internal and external, a panel per metric.

    Args:
        rows: Rows of external.csv of one encoder.
        metrics: Which ones, in order.
        level: "slide" or "patient".
        title: Goes above the panels.
        path: Where to write, png, svg or pdf.
    """
    shown = rows[rows["level"] == level]
    models = list(dict.fromkeys(shown["model"]))
    figure = new_figure(1.6 + _PANEL_IN * len(metrics), 1.45 + _ROW_IN * len(models))
    with house_style():
        panels = figure.subplots(1, len(metrics), sharey=True, squeeze=False)[0]
        for panel, metric in zip(panels, metrics, strict=True):
            _draw_metric(panel, shown[shown["metric"] == metric].set_index("model").loc[models])
            words, better = METRIC_WORDS[metric]
            panel.set_title(f"{words}\n{better} is better", fontsize=8.5)
        panels[0].set_yticks(range(len(models)), models)
        panels[0].set_ylim(len(models) - 0.5, -0.5)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower right", ncols=2, frameon=False)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)


def external_page(rows: pd.DataFrame, comparisons: pd.DataFrame, title: str, path: Path) -> None:
    """Write internal beside external, and the paired tests between models on this cohort.

    Args:
        rows: Rows of external.csv.
        comparisons: Rows of comparisons.csv.
        title: Of the page.
        path: Where to write.
    """
    parts = [paragraph(_WORDS)]
    for level, words in _LEVELS.items():
        own = rows[rows["level"] == level]
        if not own.empty:
            n = f"n = {own['internal_n'].max()} internal, {own['external_n'].max()} external"
            parts += [heading(f"{words} ({n})"), _table(own)]
    write_page(path, title, [*parts, *comparison_parts(comparisons)])


def _draw_metric(panel: Axes, cells: pd.DataFrame) -> None:
    for side, colour, offset in _SIDES:
        place = np.arange(len(cells)) + offset
        low, high = cells[f"{side}_ci_low"], cells[f"{side}_ci_high"]
        panel.hlines(place, low, high, color=colour, linewidth=2, alpha=0.6)
        panel.scatter(cells[side], place, color=colour, s=28, zorder=3, label=side)
    panel.grid(axis="x")
    panel.set_axisbelow(True)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def _table(rows: pd.DataFrame) -> str:
    main = rows["metric"].isin(MAIN_METRICS)
    ordered = pd.concat([rows[main], rows[~main]])
    cells = [_cells(row) for _, row in ordered.iterrows()]
    return table(_HEAD, cells, key="Model", folded_rows=range(int(main.sum()), len(rows)))


def _cells(row: pd.Series) -> list[Cell]:
    low, high = row["difference_ci_low"], row["difference_ci_high"]
    clear = low > 0 or high < 0
    return [
        Cell(row["encoder"]),
        Cell(row["model"]),
        Cell(METRIC_WORDS[row["metric"]][0]),
        *(_value(row[side], row[f"{side}_ci_low"], row[f"{side}_ci_high"]) for side, *_ in _SIDES),
        _value(row["difference"], low, high, "number best" if clear else "number", sign="+"),
    ]


def _value(value: float, low: float, high: float, css: str = "number", sign: str = "") -> Cell:
    if np.isnan(value):
        return Cell("–", css="number")
    note = "" if np.isnan(low) else f"{low:{sign}.3f} to {high:{sign}.3f}"
    return Cell(f"{value:{sign}.3f}", note=note, css=css)
