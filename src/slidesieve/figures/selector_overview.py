"""The audits of all selectors of a dataset side by side."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from slidesieve.evaluation.outcomes import main_level
from slidesieve.evaluation.tables import POOLED
from slidesieve.figures.intervals import draw_intervals
from slidesieve.figures.style import GREY, house_style, new_figure, save_figure

# title, topic, variant, metric, level, where indifference lies
_PANELS = (
    ("Good in use?\nbalanced accuracy", "paths", "hard", "balanced_accuracy", "patient", None),
    (
        "Better in training?\naccuracy, soft − hard",
        "paths",
        "soft-hard",
        "balanced_accuracy",
        "patient",
        0.0,
    ),
    (
        "Does training foresee use?\nmass on the hard set",
        "mass",
        "model",
        "overlap",
        "slide",
        None,
    ),
    (
        "Do discarded tokens leak?\nR² from their gate",
        "leakage",
        "gated",
        "r2",
        "token",
        None,
    ),
    ("Same choice in other folds?\nJaccard index", "folds", "model", "jaccard", "slide", None),
    ("Are the K best enough?\nsufficiency", "evidence", "model", "sufficiency", "slide", None),
    ("Lost without the K best?\nnecessity", "evidence", "model", "necessity", "slide", None),
    ("Keeps the truth tiles?\nrecall", "truth", "model", "recall", "slide", None),
)
_ROW_IN = 0.3
_PANEL_IN = 2.0
_KEYS = ["encoder", "model"]


def selectors_figure(audits: pd.DataFrame, title: str, path: Path) -> None:
    """Draw the main numbers of every audit with their intervals, a row a model.

    Args:
        audits: selectors.csv.
        title: Goes above the panels.
        path: Where to write, png, svg or pdf.
    """
    models = audits[_KEYS].drop_duplicates()
    names = [
        model if models["encoder"].nunique() == 1 else f"{encoder} · {model}"
        for encoder, model in models.itertuples(index=False)
    ]
    pooled = audits[audits["fold"] == POOLED]
    there = set(pooled["topic"])
    shown = [panel for panel in _PANELS if panel[1] in there]
    figure = new_figure(1.8 + _PANEL_IN * len(shown), 1.3 + _ROW_IN * len(models))
    with house_style():
        panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
        for i, (panel, (words, *key, indifferent)) in enumerate(zip(panels, shown, strict=True)):
            if key[-1] == "patient":
                key[-1] = main_level(pooled["level"])
            wanted = (pooled[["topic", "variant", "metric", "level"]] == key).all(axis=1)
            rows = models.merge(pooled[wanted], on=_KEYS, how="left")
            draw_intervals(panel, rows, names if i == 0 else None, color=i)
            panel.set_title(words, fontsize=8.5)
            if indifferent is None:
                panel.set_xlim(0, 1.02)
            else:
                panel.axvline(indifferent, color=GREY, linewidth=1)
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)
