"""The cohort and the results as HTML tables for the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from slidesieve.figures.cost_cells import cost_cells, cost_head
from slidesieve.figures.html_page import Cell, heading, number, paragraph, table, write_page
from slidesieve.figures.metric_labels import MAIN_METRICS, METRIC_WORDS

_LEVELS = {"slide": "Slides", "patient": "Patients"}
_SIGNIFICANT = 0.05
_SUMMARY_WORDS = (
    "Of the out-of-fold predictions of all folds together; below it the 95 % interval (bootstrap "
    "over patients), and mean ± standard deviation of the folds, each on its own. Bold: best of "
    "the column. Cost: one typical slide."
)
_COMPARISON_WORDS = (
    "Difference: the model minus the one it is held against, on the slides both predicted; below "
    "it the 95 % interval. Bold: below 0.05 after Holm's correction for the number of models."
)
_COST_WORDS = (
    "One forward pass over one slide. A multiply-add counts as two operations; memory is weights, "
    "bag and everything alive at the worst moment; latency is the median of repeated passes."
)


def cohort_page(cohort: pd.DataFrame, title: str, path: Path) -> None:
    """Write the cohort: what it holds by class, then each slide, those not used first.

    Args:
        cohort: Rows of cohort.csv; columns without any value are left out.
        title: Of the page.
        path: Where to write.
    """
    unused = cohort[cohort["status"] != "ok"]
    words = f"{len(cohort)} slides of {cohort['patient_id'].nunique()} patients. " + (
        f"{len(unused)} not used, listed first with the reason." if len(unused) else "All used."
    )
    shown = pd.concat([unused, cohort[cohort["status"] == "ok"]])
    columns = [(head, cell) for head, needs, cell in _COHORT_COLUMNS if _filled(cohort, needs)]
    rows = [[cell(row) for _, cell in columns] for _, row in shown.iterrows()]
    parts = [
        paragraph(words),
        _counts_by_class(cohort),
        heading("Slides"),
        table([head for head, _ in columns], rows, key="Slide"),
    ]
    write_page(path, title, parts)


def summary_page(
    summary: pd.DataFrame,
    comparisons: pd.DataFrame,
    cost: pd.DataFrame,
    fits: pd.DataFrame,
    title: str,
    path: Path,
) -> None:
    """Write fits that look failed, every model's metrics beside its cost, and the paired tests.

    Args:
        summary: Rows of summary.csv.
        comparisons: Rows of comparisons.csv.
        cost: Rows of cost.csv; of each model the row with the fewest tokens is shown, which is
            the typical slide.
        fits: Rows of fits.csv.
        title: Of the page.
        path: Where to write.
    """
    parts = [*_failed_fits(fits), paragraph(_SUMMARY_WORDS)]
    for level, words in _LEVELS.items():
        rows = summary[summary["level"] == level]
        parts += [heading(f"{words} (n = {rows['n'].max()})"), _summary_table(rows, cost)]
    write_page(path, title, [*parts, *comparison_parts(comparisons)])


def comparison_parts(comparisons: pd.DataFrame) -> list[str]:
    """Return the paired tests between models as parts of a page; none if there are none.

    Args:
        comparisons: Rows of comparisons.csv.
    """
    if comparisons.empty:
        return []
    reference = comparisons["model_b"].iloc[0]
    parts = [heading(f"Compared with {reference}"), paragraph(_COMPARISON_WORDS)]
    for level, words in _LEVELS.items():
        rows = comparisons[comparisons["level"] == level]
        parts += [heading(f"{words} (n = {rows['n'].max()})"), _comparison_table(rows)]
    return parts


def cost_page(cost: pd.DataFrame, title: str, path: Path) -> None:
    """Write what every model costs at each bag size measured.

    Args:
        cost: Rows of cost.csv.
        title: Of the page.
        path: Where to write.
    """
    gflops = cost["gflops"]
    head = ["Encoder", "Model", "Tokens in", *cost_head(gflops), "Device", "Threads"]
    rows = [
        [
            Cell(row["encoder"]),
            Cell(row["model"]),
            number(row["tokens_in"], 0),
            *cost_cells(row, gflops),
            Cell(row["device"]),
            number(row["threads"], 0),
        ]
        for _, row in cost.iterrows()
    ]
    write_page(path, title, [paragraph(_COST_WORDS), table(head, rows, key="Model")])


def _filled(cohort: pd.DataFrame, column: str) -> bool:
    """Whether any slide has a value: ready-made features come without what slides tell."""
    return column in cohort and bool((cohort[column].notna() & (cohort[column] != "")).any())


def _text(column: str, css: str = "") -> Callable[[pd.Series], Cell]:
    return lambda row: Cell("" if pd.isna(row[column]) else str(row[column]), css=css)


def _number(column: str, digits: int) -> Callable[[pd.Series], Cell]:
    return lambda row: number(float(row[column]), digits)


def _status(row: pd.Series) -> Cell:
    return Cell(row["status"], chip=row["status"])


def _size(row: pd.Series) -> Cell:
    known = row["width"] == row["width"] and row["width"] > 0
    return Cell(f"{row['width']:,.0f} × {row['height']:,.0f}" if known else "–", css="number")


def _mpp(row: pd.Series) -> Cell:
    known = number(float(row["mpp"]), 4)
    source = row.get("mpp_source", "")
    return Cell(known.text, note="" if pd.isna(source) else str(source), css="number")


# Heading, the column of cohort.csv it needs, and how a row becomes its cell.
_COHORT_COLUMNS: tuple[tuple[str, str, Callable[[pd.Series], Cell]], ...] = (
    ("Slide", "slide_id", _text("slide_id")),
    ("Patient", "patient_id", _text("patient_id")),
    ("Class", "label", _text("label")),
    ("Status", "status", _status),
    ("Reason", "reason", _text("reason", css="wrap")),
    ("Warnings", "warnings", _text("warnings", css="wrap")),
    ("Tiles", "n_tiles", _number("n_tiles", 0)),
    ("Tissue, mm²", "tissue_area_mm2", _number("tissue_area_mm2", 2)),
    ("Pieces", "n_contours", _number("n_contours", 0)),
    ("µm per px", "mpp", _mpp),
    ("Size, px", "width", _size),
    ("Scanner", "vendor", _text("vendor")),
)


def _counts_by_class(cohort: pd.DataFrame) -> str:
    rows = [
        [
            Cell(str(label) or "none given"),
            number(part["patient_id"].nunique(), 0),
            number(len(part), 0),
            number((part["status"] == "ok").sum(), 0),
        ]
        for label, part in cohort.groupby("label", sort=True)
    ]
    return table(["Class", "Patients", "Slides", "Slides used"], rows)


def _failed_fits(fits: pd.DataFrame) -> list[str]:
    """Return the fits with signs of failure, loudly; nothing where there are none."""
    failed = fits[fits["signs"].notna() & (fits["signs"] != "")]
    if failed.empty:
        return []
    rows = [
        [Cell(row["encoder"]), Cell(row["model"]), number(row["fold"], 0), _signs(row)]
        for _, row in failed.iterrows()
    ]
    return [
        heading(f"{len(failed)} of {len(fits)} fits show signs of failure"),
        table(["Encoder", "Model", "Fold", "Signs"], rows),
    ]


def _signs(row: pd.Series) -> Cell:
    return Cell(row["signs"], css="wrap")


def _summary_table(rows: pd.DataFrame, cost: pd.DataFrame) -> str:
    metrics = [name for name in METRIC_WORDS if name in set(rows["metric"])]
    best = {name: _best(rows[rows["metric"] == name], name) for name in metrics}
    costs = cost.sort_values("tokens_in").groupby(["encoder", "model"]).first()
    shown = costs["gflops"]
    head = ["Encoder", "Model", *(METRIC_WORDS[name][0] for name in metrics), *cost_head(shown)]
    body = []
    for (encoder, model), own in rows.groupby(["encoder", "model"], sort=False):
        by_metric = own.set_index("metric")
        cells = [_metric_cell(cast(pd.Series, by_metric.loc[name]), best[name]) for name in metrics]
        cells += cost_cells(cast(pd.Series, costs.xs((encoder, model))), shown)
        body.append([Cell(str(encoder)), Cell(str(model)), *cells])
    return table(head, body, key="Model", folded=head[2 + len(MAIN_METRICS) :])


def _best(rows: pd.DataFrame, metric: str) -> float:
    return rows["pooled"].max() if METRIC_WORDS[metric][1] == "higher" else rows["pooled"].min()


def _metric_cell(row: pd.Series, best: float) -> Cell:
    if np.isnan(row["pooled"]):
        return Cell("–", note="undefined: a class has no case", css="number")
    notes = []
    if not np.isnan(row["ci_low"]):
        notes.append(f"{row['ci_low']:.3f} to {row['ci_high']:.3f}")
    if not np.isnan(row["std"]):
        notes.append(f"folds {row['mean']:.3f} ± {row['std']:.3f}")
    css = "number best" if row["pooled"] == best else "number"
    return Cell(f"{row['pooled']:.3f}", note="; ".join(notes), css=css)


def _comparison_table(rows: pd.DataFrame) -> str:
    head = ["Encoder", "Model", "Metric", "Difference", "p", "p (Holm)", "Test"]
    main = rows["metric"].isin(MAIN_METRICS)
    ordered = pd.concat([rows[main], rows[~main]])
    cells = [_comparison_cells(row) for _, row in ordered.iterrows()]
    return table(head, cells, key="Model", folded_rows=range(int(main.sum()), len(ordered)))


def _comparison_cells(row: pd.Series) -> list[Cell]:
    words = METRIC_WORDS.get(row["metric"], (row["metric"], ""))[0]
    return [
        Cell(row["encoder"]),
        Cell(row["model_a"]),
        Cell(words),
        Cell(
            f"{row['difference']:+.3f}",
            note=f"{row['ci_low']:+.3f} to {row['ci_high']:+.3f}",
            css="number",
        ),
        Cell(_p_words(row["p"]), css="number"),
        Cell(_p_words(row["p_holm"]), css=_p_css(row["p_holm"])),
        Cell(row["test"]),
    ]


def _p_words(p: float) -> str:
    if np.isnan(p):
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _p_css(p: float) -> str:
    return "number best" if p < _SIGNIFICANT else "number"
