"""Metrics before and after calibration as an HTML table for the report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from slidesieve.figures.html_page import Cell, heading, paragraph, table, write_page
from slidesieve.figures.metric_labels import METRIC_WORDS

_WORDS = (
    "Of the pooled out-of-fold predictions, with the 95 % interval (bootstrap over patients). "
    "Temperature and thresholds are those of each fold's validation part, which also chose the "
    "epoch; no test slide has a say. Difference: after minus before, on the same resamples."
)
_HEAD = ["Encoder", "Model", "By", "Metric", "Before", "After", "Difference"]


def calibration_page(rows: pd.DataFrame, title: str, path: Path) -> None:
    """Write both values of every metric, a table per level.

    Args:
        rows: Rows of calibration.csv.
        title: Of the page.
        path: Where to write.
    """
    parts = [paragraph(_WORDS)]
    for level, own in rows.groupby("level", sort=False):
        body = [
            [
                *(Cell(row[name]) for name in ("encoder", "model", "method")),
                Cell(METRIC_WORDS[row["metric"]][0]),
                *(_interval(row, prefix) for prefix in ("", "calibrated_")),
                _interval(row, "difference_", sign="+"),
            ]
            for _, row in own.iterrows()
        ]
        parts += [heading(f"{level}s (n = {own['n'].max()})".capitalize()), table(_HEAD, body)]
    write_page(path, title, parts)


def _interval(row: pd.Series, prefix: str, sign: str = "") -> Cell:
    value, low, high = (row[f"{prefix}{name}"] for name in ("value", "ci_low", "ci_high"))
    if pd.isna(value):
        return Cell("–", css="number")
    return Cell(f"{value:{sign}.3f}", note=f"{low:{sign}.3f} to {high:{sign}.3f}", css="number")
