"""The audit of one selector on one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from slidesieve.evaluation.outcomes import main_level
from slidesieve.evaluation.tables import POOLED
from slidesieve.figures.intervals import draw_intervals
from slidesieve.figures.metric_labels import METRIC_WORDS
from slidesieve.figures.selector_evidence import draw_evidence
from slidesieve.figures.style import GREY, colour_of, house_style, new_figure, save_figure

_PATHS = {"soft": "soft", "hard": "hard", "hard_denoised": "hard, denoised"}
_PREDICTORS = {
    "kept": "kept tokens",
    "kept_denoised": "kept, as the\nhead is trained",
    "gated": "itself, gated",
    "gated_denoised": "itself, as the\nhead is trained",
}
_CHOOSERS = {
    "model": "this selector",
    "random": "random",
    "uniform": "uniform",
    "farthest_point": "farthest point",
}
_QUESTIONS = {
    "balanced_accuracy": "Is the model in use as good\nas the one in training?",
    "auc_macro_ovr": "Does it rank patients as well?",
}
_SIZE_IN = (14, 6.8)
_NO_SOFT_PATH = "this selector has no soft path"
_NO_PROBE = "no slide has discarded tokens in every part"
_NO_CHOICE = "no slide leaves a choice"


def selector_figure(
    audit: pd.DataFrame, histories: Sequence[pd.DataFrame], title: str, path: Path
) -> None:
    """Draw the audit of one selector: paths, training, leakage, stability, truth, evidence.

    Args:
        audit: audit.csv of the model.
        histories: history.csv of each fold.
        title: Goes above the panels.
        path: Where to write, png, svg or pdf.
    """
    figure = new_figure(*_SIZE_IN)
    with house_style():
        panels = figure.subplots(2, 4).ravel()
        _draw_paths(panels[0], audit, "balanced_accuracy")
        _draw_paths(panels[1], audit, "auc_macro_ovr")
        _draw_training(panels[2], histories)
        _draw_truth(panels[3], audit)
        _draw_leakage(panels[4], audit)
        _draw_stability(panels[5], audit)
        for panel, topic in zip(panels[6:], ("sufficiency", "necessity"), strict=True):
            if not draw_evidence(panel, audit, topic):
                _say(panel, _NO_CHOICE)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)


def _pooled(audit: pd.DataFrame, topic: str, metric: str, level: str | None = None) -> pd.DataFrame:
    """Rows over all folds of one topic and metric, by variant."""
    wanted = (audit["topic"] == topic) & (audit["metric"] == metric) & (audit["fold"] == POOLED)
    if level is not None:
        wanted &= audit["level"] == level
    return audit[wanted].set_index("variant")


def _draw_paths(panel: Axes, audit: pd.DataFrame, metric: str) -> None:
    rows = _pooled(audit, "paths", metric, main_level(audit["level"]))
    there = [path for path in _PATHS if path in rows.index]
    draw_intervals(panel, rows.loc[there], [_PATHS[path] for path in there])
    panel.set_title(_QUESTIONS[metric])
    panel.set(xlim=(0, 1.02), xlabel=METRIC_WORDS[metric][0])


def _draw_training(panel: Axes, histories: Sequence[pd.DataFrame]) -> None:
    panel.set_title("Does training learn to leave\nthe other tokens out?")
    if "overlap" not in histories[0]:
        _say(panel, _NO_SOFT_PATH)
        return
    for fold, history in enumerate(histories):
        noted = history.dropna(subset=["overlap"])
        panel.plot(
            noted["epoch"], noted["overlap"], color=colour_of(fold), linewidth=1.2, alpha=0.8
        )
    panel.set(ylim=(0, 1.02), xlabel="epoch, one line per fold", ylabel="soft mass on the hard set")
    panel.grid(axis="y")


def _draw_leakage(panel: Axes, audit: pd.DataFrame) -> None:
    rows, control = (_pooled(audit, "leakage", metric) for metric in ("r2", "r2_permuted"))
    there = [name for name in _PREDICTORS if name in rows.index]
    panel.set_title("Do discarded tokens leak\nthrough what is kept?")
    if not there:
        has_soft_path = (audit["variant"] == "soft").any()
        _say(panel, _NO_PROBE if has_soft_path else _NO_SOFT_PATH)
        return
    draw_intervals(panel, rows.loc[there], [_PREDICTORS[name] for name in there], color=1)
    place = np.arange(len(there))
    panel.scatter(
        control.loc[there, "value"], place, facecolors="none", edgecolors=GREY, s=28, zorder=2
    )
    folds = audit[
        (audit["topic"] == "leakage") & (audit["metric"] == "r2") & (audit["fold"] != POOLED)
    ]
    for row, name in enumerate(there):
        values = folds.loc[folds["variant"] == name, "value"]
        panel.scatter(values, np.full(len(values), row), color=colour_of(1), s=8, alpha=0.5)
    panel.set_xlim(min(-0.05, panel.get_xlim()[0]), 1.02)
    panel.set_xlabel("R² of discarded tokens   (○ shuffled control)")


def _draw_stability(panel: Axes, audit: pd.DataFrame) -> None:
    rows = _pooled(audit, "noise", "jaccard")
    panel.set_title("Is the choice the same\non shaken features?")
    if rows.empty:
        _say(panel, _NO_CHOICE)
        return
    shaken = rows.drop(index="chance")
    sigma = shaken.index.astype(float)
    panel.fill_between(
        sigma, shaken["ci_low"], shaken["ci_high"], color=colour_of(2), alpha=0.2, linewidth=0
    )
    panel.plot(sigma, shaken["value"], color=colour_of(2), marker="o", markersize=4)
    lines = {"chance": float(rows["value"]["chance"])}
    between = _pooled(audit, "folds", "jaccard")
    if len(between):
        lines["models of two folds"] = float(between["value"]["model"])
    for words, height in lines.items():
        panel.axhline(height, color=GREY, linewidth=1, linestyle=(0, (2, 3)))
        panel.text(sigma.max(), height + 0.015, words, ha="right", va="bottom", color="#4D4D4D")
    panel.set(
        ylim=(0, 1.02),
        xlabel="jitter of the features, in their sd",
        ylabel="Jaccard index with the unshaken choice",
    )


def _draw_truth(panel: Axes, audit: pd.DataFrame) -> None:
    rows = _pooled(audit, "truth", "recall")
    panel.set_title("Does it keep the tiles of\nthe truth mask?")
    there = [name for name in _CHOOSERS if name in rows.index]
    if not there:
        _say(panel, "the dataset has no truth masks")
        return
    draw_intervals(panel, rows.loc[there], [_CHOOSERS[name] for name in there], color=3)
    panel.set(xlim=(0, 1.02), xlabel="share of truth tiles kept, at equal K")


def _say(panel: Axes, words: str) -> None:
    panel.set_axis_off()
    panel.text(0.5, 0.5, words, ha="center", va="center", transform=panel.transAxes)
