"""A paper table as an HTML table for the report, the paper's columns set apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from slidesieve.figures.cost_cells import flops_unit
from slidesieve.figures.html_page import Cell, number, paragraph, table, write_page
from slidesieve.figures.metric_labels import METRIC_WORDS
from slidesieve.paper_tables.table import PAPER, table_metrics

_WORDS = (
    "Ours: of the pooled out-of-fold predictions of all folds, below it the 95 % interval "
    "(bootstrap over patients). Difference: the row minus the reference row on the same cases, "
    "below it its 95 % interval and p after Holm's correction over the rows. Tokens kept: mean "
    "share over the test slides. Cost: one typical slide."
)


def paper_table_page(
    spec: Mapping, rows: pd.DataFrame, recipe: Mapping, dataset: str, path: Path
) -> None:
    """Write a paper table.

    Args:
        spec: A paper table of the config, defaults filled in.
        rows: Its table, see `slidesieve.paper_tables.table`.
        recipe: How each model of its rows was fitted: settings by name.
        dataset: Whose results these are.
        path: Where to write.
    """
    columns = list(next(iter(spec["rows"].values()))["columns"])
    quoted = spec.get("paper", {}).get("columns", {})
    head = ["Encoder", "Row", *columns]
    for metric in table_metrics(spec):
        head += [METRIC_WORDS[metric][0], "Difference"]
    unit, size = flops_unit(rows["gflops"])
    head += ["Tokens kept", unit, "Memory, MB", "Latency, ms"]
    head += [*(f"Paper: {said['place']}" for said in quoted.values())]
    body = []
    for _, row in rows.iterrows():
        cells = [Cell(row["encoder"]), Cell(row["label"])]
        cells += [Cell("" if pd.isna(row[name]) else f"{row[name]}") for name in columns]
        for metric in table_metrics(spec):
            cells += [_metric_cell(row, metric), _difference_cell(row, metric)]
        cells += [Cell(f"{row['tokens_kept']:.1%}", css="number"), number(row["gflops"] / size, 3)]
        cells += [number(row["peak_memory_mb"], 1), number(row["latency_ms_median"], 2)]
        cells += [_paper_cell(row[f"{PAPER}{name}"]) for name in quoted]
        body.append(cells)
    words = [f"Reference row: {spec['rows'][spec['reference']]['label']}. {_WORDS}"]
    words.append(recipe_words(recipe, {name: row["label"] for name, row in spec["rows"].items()}))
    if quoted:
        source = spec["paper"]["source"]
        words.append(
            f"Shaded columns are not ours: they are printed in {source}, about its own data, "
            f"features and machine. All others were computed here, on {dataset}."
        )
    parts = [*map(paragraph, words), table(head, body, key="Row")]
    write_page(path, f"{dataset}: {spec['title']}", parts)


def recipe_words(recipe: Mapping[str, Mapping], labels: Mapping[str, str]) -> str:
    """Say how the models of a table were fitted: what all share, then what some have otherwise.

    Args:
        recipe: Settings of training by model.
        labels: The models' rows.
    """
    fits = list(recipe.values())
    shared = {key: value for key, value in fits[0].items() if all(f[key] == value for f in fits)}
    words = f"Training of all rows: {_listed(shared)}."
    for model, settings in recipe.items():
        own = {key: value for key, value in settings.items() if key not in shared}
        if own:
            words += f" {labels[model]}: {_listed(own)}."
    return words


def _listed(settings: Mapping) -> str:
    return ", ".join(f"{key} {value}" for key, value in settings.items())


def _metric_cell(row: pd.Series, metric: str) -> Cell:
    interval = f"{row[f'{metric}_ci_low']:.3f} to {row[f'{metric}_ci_high']:.3f}"
    return Cell(f"{row[metric]:.3f}", note=interval, css="number")


def _difference_cell(row: pd.Series, metric: str) -> Cell:
    if pd.isna(row[f"{metric}_difference"]):
        return Cell("–", css="number")
    low, high, p = (row[f"{metric}_difference_{end}"] for end in ("ci_low", "ci_high", "p_holm"))
    note = f"{low:+.3f} to {high:+.3f}, p {p:.3f}"
    return Cell(f"{row[f'{metric}_difference']:+.3f}", note=note, css="number")


def _paper_cell(value: float) -> Cell:
    return Cell("–" if pd.isna(value) else f"{value:g}", css="number paper")
