"""Confusion matrix of pooled out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

import numpy as np
import pandas as pd

from slidesieve.evaluation.metrics import confusion
from slidesieve.evaluation.outcomes import outcomes_by_level
from slidesieve.figures.style import house_style, new_figure, save_figure

# Inches of a cell, and of a letter, so that names of classes stand beside each other unrotated.
_CELL_IN, _LETTER_IN = 0.7, 0.085
_LABEL_WIDTH = 16


def confusion_figure(
    predictions: pd.DataFrame, classes: Sequence[str], level: str, title: str, path: Path
) -> None:
    """Draw counts and row percentages: what became of the cases of each true class.

    Args:
        predictions: Out-of-fold predictions table of one model.
        classes: Class names in the order of the config.
        level: "slide" or "patient".
        title: Goes above the matrix.
        path: Where to write, png, svg or pdf.
    """
    outcomes = outcomes_by_level(predictions, classes)[level]
    counts = confusion(outcomes, np.ones((1, len(outcomes))))[0]
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros_like(counts), where=totals > 0)
    cell = max(_CELL_IN, _LETTER_IN * min(_LABEL_WIDTH, max(map(len, classes))))
    side = 1.9 + cell * len(classes)
    figure = new_figure(side + 0.7, side)
    with house_style():
        axes = figure.subplots()
        image = axes.imshow(shares * 100, cmap="Blues", vmin=0, vmax=100)
        for (row, column), share in np.ndenumerate(shares):
            axes.text(
                column,
                row,
                f"{counts[row, column]:.0f}\n{share:.0%}" if totals[row, 0] else "0\nno case",
                ha="center",
                va="center",
                color="white" if share > 0.55 else "#1A1A1A",
            )
        names = [
            f"{fill(name, _LABEL_WIDTH)}\n({n:.0f} {level}s)"
            for name, n in zip(classes, totals[:, 0], strict=True)
        ]
        axes.set_xticks(range(len(classes)), [fill(name, _LABEL_WIDTH) for name in classes])
        axes.set_yticks(range(len(classes)), names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="Predicted", ylabel="True")
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
        figure.colorbar(image, shrink=0.8, label="% of the true class").outline.set_visible(False)
        save_figure(figure, path)
