"""The first page of a report: a dataset, its best models, and all of them in a figure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import cast

import pandas as pd

from slidesieve.evaluation.outcomes import main_level
from slidesieve.figures.html_page import Cell, paragraph, table
from slidesieve.figures.metric_labels import MAIN_METRICS, METRIC_WORDS
from slidesieve.store.atomic import write_text

_MOST_MODELS = 3
# The page of Snakemake's report around it has no style for tables.
_CSS = """
.headline table { border-collapse: collapse; width: auto; margin: .5rem 0; }
.headline th, .headline td { padding: .2rem .8rem; text-align: left; }
.headline td { border-bottom: 1px solid #ccc; }
.headline .number { text-align: right; }
.headline small { color: #555; }
.headline img { max-width: 100%; margin: .5rem 0; }
""".strip()


def write_headline(
    cohort: pd.DataFrame,
    summary: pd.DataFrame,
    figures: Sequence[Path],
    dataset: str,
    path: Path,
) -> None:
    """Write the part of a page that says what there was and how well it went.

    Args:
        cohort: Rows of cohort.csv.
        summary: Rows of summary.csv.
        figures: PNG files of all models, one per encoder.
        dataset: Name of the dataset.
        path: Where to write, a part of an HTML page.
    """
    parts = [
        f"<style>{_CSS}</style>",
        f"<h2>{escape(dataset)}</h2>",
        paragraph(cohort_words(cohort)),
        *best_models(summary),
        *map(_picture, figures),
    ]
    body = "\n".join(parts)
    write_text(path, f'<div class="headline">\n{body}\n</div>\n')


def cohort_words(cohort: pd.DataFrame) -> str:
    """Say how many slides and patients there are, of which classes, and how many were left out."""
    used = cohort[cohort["status"] == "ok"]
    counts = cohort.loc[cohort["status"] != "ok", "status"].value_counts().sort_index()
    left_out = ", ".join(f"{count} {status}" for status, count in counts.items())
    by_class = used.groupby("label", sort=True)["patient_id"].nunique()
    classes = ", ".join(f"{count} {label}" for label, count in by_class.items())
    return (
        f"{len(used)} slides of {used['patient_id'].nunique()} patients ({classes}). "
        f"Left out: {left_out or 'none'}{f', of {len(cohort)} slides' if left_out else ''}."
    )


def best_models(summary: pd.DataFrame, most: int = _MOST_MODELS) -> list[str]:
    """Return a table of the best models with their 95 % intervals, and what it does not say.

    Args:
        summary: Rows of summary.csv.
        most: Models to show.
    """
    first, *_ = MAIN_METRICS
    level = main_level(summary["level"])
    rows = summary[summary["level"] == level].set_index(["encoder", "model"])
    order = rows.loc[rows["metric"] == first, "pooled"].sort_values(ascending=False, kind="stable")
    body = [_cells(key, rows.loc[[key]]) for key in order.index[:most]]
    head = ["Model", "Encoder", *(METRIC_WORDS[name][0] for name in MAIN_METRICS)]
    words = (
        f"The best {len(body)} of {len(order)} models by {METRIC_WORDS[first][0].lower()}, "
        f"n = {rows['n'].max()} {level}s, with 95 % intervals (bootstrap over patients). The best "
        "of several flatters itself: the paired tests of the results say which differences hold."
    )
    return [table(head, body), paragraph(words)]


def _cells(key: tuple[str, str], rows: pd.DataFrame) -> list[Cell]:
    encoder, model = key
    by_metric = rows.set_index("metric")
    metrics = [cast(pd.Series, by_metric.loc[name]) for name in MAIN_METRICS]
    return [Cell(model), Cell(encoder), *map(_metric, metrics)]


def _metric(row: pd.Series) -> Cell:
    if pd.isna(row["pooled"]):
        return Cell("–", css="number")
    known = not pd.isna(row["ci_low"])
    note = f"{row['ci_low']:.3f} to {row['ci_high']:.3f}" if known else ""
    return Cell(f"{row['pooled']:.3f}", note=note, css="number")


def _picture(path: Path) -> str:
    data = b64encode(path.read_bytes()).decode()
    return f'<img alt="all models, {escape(path.parent.name)}" src="data:image/png;base64,{data}">'
