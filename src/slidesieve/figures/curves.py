"""ROC curves of pooled out-of-fold predictions, one panel per class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from slidesieve.evaluation.metrics import by_score, class_auc
from slidesieve.evaluation.outcomes import Outcomes, outcomes_by_level
from slidesieve.figures.style import (
    GREY,
    colour_of,
    house_style,
    new_figure,
    save_figure,
)
from slidesieve.statistics.bootstrap import CONFIDENCE, cluster_weights, percentile_interval

_GRID = np.linspace(0, 1, 201)
_PANEL_IN = 2.9
_BAND_OPACITY = 0.18
_DARK_GREY, _FOLD_GREY = "#4D4D4D", "#ABABAB"
_CHANCE: dict[str, Any] = {"linewidth": 0.8, "linestyle": (0, (2, 3))}
_MAX_COLUMNS = 3


def roc_figure(
    predictions: pd.DataFrame,
    classes: Sequence[str],
    level: str,
    title: str,
    resamples: int,
    seed: int,
    path: Path,
) -> None:
    """Draw each class's one-versus-rest ROC curve with its patient-bootstrap band.

    Thin grey lines are single folds, the line of the class's colour all folds pooled, the band the
    95 % interval of the pooled curve's height at each false positive rate; a legend says so.

    Args:
        predictions: Out-of-fold predictions table of one model.
        classes: Class names in the order of the config.
        level: "slide" or "patient".
        title: Goes above the panels.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.
        path: Where to write, png, svg or pdf.
    """
    outcomes = outcomes_by_level(predictions, classes)[level]
    columns = min(len(classes), _MAX_COLUMNS)
    rows = -(-len(classes) // columns)
    figure = new_figure(_PANEL_IN * columns, _PANEL_IN * rows + 0.85)
    with house_style():
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for c, panel in enumerate(panels[: len(classes)]):
            _draw_class(panel, outcomes, c, f"{level}s", resamples, seed)
        for panel in panels[max(0, len(classes) - columns) : len(classes)]:
            panel.set_xlabel("False positive rate")
        for panel in panels[len(classes) :]:
            panel.set_axis_off()
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        figure.supylabel("True positive rate", fontsize=9)
        _draw_legend(figure, len(np.unique(outcomes.fold)))
        save_figure(figure, path)


def roc_heights(outcomes: Outcomes, weights: NDArray[np.float64], c: int) -> NDArray[np.float64]:
    """Return the ROC curve's height over an even grid of 201 false positive rates.

    Args:
        outcomes: n cases.
        weights: (R, n) how often each case counts.
        c: Index of the class held against the rest.

    Returns:
        (R, 201), NaN in rows without a case of the class or of the rest. Where the curve is
        vertical, its top is taken.
    """
    positive, negative = by_score(outcomes, weights, c)
    heights = np.full((len(weights), len(_GRID)), np.nan)
    for row, (hits, alarms) in enumerate(zip(positive, negative, strict=True)):
        if hits.sum() > 0 and alarms.sum() > 0:
            heights[row] = _height(_GRID, *_vertices(hits, alarms))
    return heights


def _vertices(
    hits: NDArray[np.float64], alarms: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rate after each distinct score, from (0, 0)."""
    return np.r_[0, np.cumsum(alarms)] / alarms.sum(), np.r_[0, np.cumsum(hits)] / hits.sum()


def _height(
    at: NDArray[np.float64], rate: NDArray[np.float64], hit_rate: NDArray[np.float64]
) -> NDArray[np.float64]:
    last = np.searchsorted(rate, at, side="right") - 1
    following = np.minimum(last + 1, len(rate) - 1)
    run = rate[following] - rate[last]
    along = np.divide(at - rate[last], run, out=np.zeros_like(at), where=run > 0)
    return hit_rate[last] + along * (hit_rate[following] - hit_rate[last])


def _draw_legend(figure: Figure, n_folds: int) -> None:
    """Say what lines and bands are; each panel has its own colour, so the legend is grey."""
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=_DARK_GREY, linewidth=1.8), f"{n_folds} folds pooled"),
        (Line2D([], [], color=_FOLD_GREY, linewidth=0.8), "single folds"),
        (Patch(color=_DARK_GREY, alpha=_BAND_OPACITY, linewidth=0), "95 % interval, pooled"),
        (Line2D([], [], color=GREY, **_CHANCE), "chance"),
    ]
    handles, words = zip(*(entries if n_folds > 1 else _of_one_fold(entries)), strict=True)
    figure.legend(handles, words, loc="outside lower left", ncols=len(handles), frameon=False)


def _of_one_fold(entries: list[tuple[Artist, str]]) -> list[tuple[Artist, str]]:
    """Leave out single folds where there is one: its line lies under the other."""
    (line, _), _, (band, _), chance = entries
    return [(line, "predictions"), (band, "95 % interval"), chance]


def _draw_curve(panel: Axes, outcomes: Outcomes, c: int, color: str, width: float) -> None:
    (hits,), (alarms,) = by_score(outcomes, np.ones((1, len(outcomes))), c)
    if hits.sum() > 0 and alarms.sum() > 0:
        panel.plot(*_vertices(hits, alarms), color=color, linewidth=width)


def _draw_class(
    panel: Axes, outcomes: Outcomes, c: int, unit: str, resamples: int, seed: int
) -> None:
    draws = list(cluster_weights(outcomes.patient, resamples, seed))
    band = np.concatenate([roc_heights(outcomes, block, c) for block in draws])
    areas = np.concatenate([class_auc(outcomes, block, c) for block in draws])
    panel.plot([0, 1], [0, 1], color=GREY, **_CHANCE)
    for fold in np.unique(outcomes.fold):
        _draw_curve(panel, outcomes.take(outcomes.fold == fold), c, _FOLD_GREY, 0.8)
    tail = (1 - CONFIDENCE) / 2
    defined = band[~np.isnan(band[:, 0])]
    if len(defined):
        low, high = np.quantile(defined, [tail, 1 - tail], axis=0)
        panel.fill_between(_GRID, low, high, color=colour_of(c), alpha=_BAND_OPACITY, linewidth=0)
    _draw_curve(panel, outcomes, c, colour_of(c), 1.8)
    low, high = percentile_interval(areas)
    n = int((outcomes.truth == c).sum())
    panel.set_title(f"{outcomes.classes[c]}: {n} {unit}, {len(outcomes) - n} others")
    area = class_auc(outcomes, np.ones((1, len(outcomes))), c)[0]
    interval = f"AUC {area:.3f}\n95 % CI {low:.3f} to {high:.3f}"
    label = "undefined: one class only" if np.isnan(area) else interval
    panel.text(0.97, 0.05, label, ha="right", va="bottom", transform=panel.transAxes)
    panel.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
