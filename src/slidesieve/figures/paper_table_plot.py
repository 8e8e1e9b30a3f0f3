"""Draw a paper table: one panel per measure, our intervals and the paper's marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from slidesieve.figures.metric_labels import METRIC_WORDS
from slidesieve.figures.style import GREY, colour_of, house_style, new_figure, save_figure
from slidesieve.paper_tables.table import COSTS, PAPER

_ROW_IN = 0.27
_PANEL_IN = 2.3
_CHARACTERS_AN_INCH = 12
_MARK_CHARACTERS = 6
"""Width of a mark of the legend, and of the gap before the next, in characters."""
_MARKERS = ("D", "s", "^", "v", "P", "X", "<", ">")
COST_WORDS = {
    "tokens_kept": "Share of tokens kept",
    "gflops": "GFLOPs",
    "peak_memory_mb": "Memory",
    "latency_ms_median": "Latency",
    "training_s_per_epoch": "Training time",
}


def paper_table_plot(spec: Mapping, table: pd.DataFrame, dataset: str, path: Path) -> None:
    """Draw every row of a paper table.

    Metrics and the share of tokens kept are drawn as they are; the other costs as multiples of the
    reference row's, ours of ours and the paper's of the paper's, for the machines differ.

    Args:
        spec: A paper table of the config, defaults filled in.
        table: Its table, see `slidesieve.paper_tables.table`.
        dataset: Whose results these are.
        path: Where to write, png, svg or pdf.
    """
    measures = spec["measures"]
    encoders = list(dict.fromkeys(table["encoder"]))
    names = list(spec["rows"])
    cohorts = _paper_cohorts(spec)
    figure = new_figure(2.6 + _PANEL_IN * len(measures), 1.9 + _ROW_IN * len(names))
    with house_style():
        panels = figure.subplots(1, len(measures), sharey=True, squeeze=False)[0]
        for panel, measure in zip(panels, measures, strict=True):
            for i, encoder in enumerate(encoders):
                own = table[table["encoder"] == encoder].set_index("model").loc[names]
                shift = 0.3 * (i - (len(encoders) - 1) / 2)
                _draw_ours(panel, own, measure, spec["reference"], colour_of(i), shift)
            _draw_paper(panel, own, measure, spec, cohorts)
            _finish(panel, measure, own.loc[spec["reference"], "label"])
        panels[0].set_yticks(range(len(names)), [spec["rows"][name]["label"] for name in names])
        panels[0].set_ylim(len(names) - 0.5, -0.5)
        title = f"{spec['title']}\nours: {dataset}, {spec['level']}s, n = {table['n'].max():.0f}"
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        handles = _legend(encoders, dataset, cohorts)
        longest = max(len(str(handle.get_label())) for handle in handles) + _MARK_CHARACTERS
        n_columns = max(1, int(figure.get_figwidth() * _CHARACTERS_AN_INCH / longest))
        figure.legend(handles=handles, loc="outside lower left", ncols=n_columns)
        save_figure(figure, path)


def _paper_columns(spec: Mapping) -> dict[str, Mapping]:
    columns = spec.get("paper", {}).get("columns", {})
    return {name: said for name, said in columns.items() if said.get("beside")}


def _paper_cohorts(spec: Mapping) -> list[str]:
    """Return what the paper's marks stand for: columns' places without their last word."""
    return list(dict.fromkeys(_cohort(said) for said in _paper_columns(spec).values()))


def _cohort(said: Mapping) -> str:
    return said["place"].rpartition(", ")[0] or said["place"]


def _draw_ours(
    panel: Axes, own: pd.DataFrame, measure: str, reference: str, color: str, shift: float
) -> None:
    place = np.arange(len(own)) + shift
    values = _relative(own[measure], reference) if measure in COSTS else own[measure]
    if f"{measure}_ci_low" in own:
        low, high = own[f"{measure}_ci_low"], own[f"{measure}_ci_high"]
        panel.hlines(place, low, high, color=color, linewidth=2, alpha=0.6)
    panel.scatter(values, place, c=color, s=26, zorder=3)


def _draw_paper(
    panel: Axes, own: pd.DataFrame, measure: str, spec: Mapping, cohorts: Sequence[str]
) -> None:
    for name, said in _paper_columns(spec).items():
        if said["beside"] == measure:
            values = own[f"{PAPER}{name}"]
            if measure in COSTS:
                values = _relative(values, spec["reference"])
            panel.scatter(
                values,
                np.arange(len(own)),
                marker=_MARKERS[cohorts.index(_cohort(said)) % len(_MARKERS)],
                facecolors="none",
                edgecolors=GREY,
                linewidths=1,
                s=24,
                zorder=2,
            )


def _relative(values: pd.Series, reference: str) -> pd.Series:
    return values / values[reference]


def _finish(panel: Axes, measure: str, reference: str) -> None:
    if measure in METRIC_WORDS:
        words, better = METRIC_WORDS[measure]
        note = f"{better} is better"
    else:
        words = COST_WORDS[measure]
        note = f"× {reference}" if measure in COSTS else "of the test slides' tokens"
    panel.set_title(f"{words}\n{note}", fontsize=8.5)
    panel.grid(axis="x")
    panel.set_axisbelow(True)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)


def _legend(encoders: Sequence[str], dataset: str, cohorts: Sequence[str]) -> list[Line2D]:
    ours = [
        Line2D([], [], color=colour_of(i), marker="o", lw=2, label=f"ours: {dataset}, {encoder}")
        for i, encoder in enumerate(encoders)
    ]
    return ours + [
        Line2D(
            [],
            [],
            color=GREY,
            marker=_MARKERS[i % len(_MARKERS)],
            markerfacecolor="none",
            lw=0,
            label=f"the paper's: {cohort}",
        )
        for i, cohort in enumerate(cohorts)
    ]
