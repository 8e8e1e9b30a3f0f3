"""scores.png: accuracy of each model with its slides and without, and of rules that see none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from slidesieve.figures.style import GREY, colour_of, house_style, new_figure, save_figure
from slidesieve.vqa.answer_metrics import ACCURACY
from slidesieve.vqa.answers_table import DONOR, NO_IMAGE, OWN, RANDOM
from slidesieve.vqa.marked import RULE
from slidesieve.vqa.scores_page import PATH_WORDS, parts_of_scores

_ROW_IN, _HEAD_IN, _WIDTH_IN = 0.55, 1.5, 7.0
# Path, colour, marker, and where its dot lies from the middle of the model's row.
_DOTS = (
    (OWN, colour_of(0), "o", -0.24),
    (RANDOM, colour_of(1), "s", -0.08),
    (DONOR, colour_of(2), "^", 0.08),
    (NO_IMAGE, GREY, "D", 0.24),
)
_LINES = ("--", ":", "-.", "-")


def scores_plot(scores: pd.DataFrame, title: str, path: Path) -> None:
    """Draw a row of dots with 95 % intervals per model, and a line per rule.

    Args:
        scores: Rows of scores.csv of one encoder; a panel per source and part of it.
        title: Goes above.
        path: Where to write, png, svg or pdf.
    """
    whole = scores[(scores["category"].fillna("") == "") & (scores["metric"] == ACCURACY)]
    parts = list(parts_of_scores(whole))
    models = list(dict.fromkeys(whole.loc[whole["path"] == OWN, "model"]))
    height = _HEAD_IN + _ROW_IN * max(len(models), 1)
    figure = new_figure(_WIDTH_IN, height * max(len(parts), 1))
    with house_style():
        panels = figure.subplots(max(len(parts), 1), 1, squeeze=False)[:, 0]
        for panel, (key, rows) in zip(panels, parts, strict=False):
            _draw_part(panel, rows, models)
            panel.set_title(f"{', '.join(key[1:])}: {rows['n'].max()} questions")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)


def _draw_part(panel: Axes, rows: pd.DataFrame, models: list[str]) -> None:
    place_of = {model: place for place, model in enumerate(models)}
    for path, colour, marker, offset in _DOTS:
        own = rows[(rows["path"] == path) & rows["model"].isin(models)]
        place = own["model"].map(place_of) + offset
        panel.hlines(place, own["ci_low"], own["ci_high"], color=colour, linewidth=2, alpha=0.6)
        panel.scatter(
            own["value"], place, c=colour, marker=marker, s=26, zorder=3, label=PATH_WORDS[path]
        )
    rules = rows[rows["path"] == RULE]
    for number, (_, rule) in enumerate(rules.iterrows()):
        style = _LINES[number % len(_LINES)]
        label = f"rule: {rule['model']}"
        panel.axvline(rule["value"], color="black", linestyle=style, linewidth=1, label=label)
    panel.set_yticks(range(len(models)), models)
    panel.set_ylim(len(models) - 0.5, -0.5)
    panel.set_xlabel("share of questions answered rightly")
    panel.grid(axis="x")
    panel.set_axisbelow(True)
    panel.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
