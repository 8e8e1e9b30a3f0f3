"""Rows of models in the shape of a paper's table, the paper's numbers beside ours."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from slidesieve.statistics.comparisons import BOOTSTRAP

COSTS = ("gflops", "peak_memory_mb", "latency_ms_median", "training_s_per_epoch")
TOKENS_KEPT = "tokens_kept"
PAPER = "paper_"
_DIFFERENCE = ("difference", "ci_low", "ci_high", "p_holm")


def table_metrics(spec: Mapping) -> list[str]:
    """Metrics that a paper table has; the rest of its measures are costs."""
    return [name for name in spec["measures"] if name not in (TOKENS_KEPT, *COSTS)]


def paper_table(
    spec: Mapping,
    summary: pd.DataFrame,
    comparisons: pd.DataFrame,
    cost: pd.DataFrame,
    predictions: Mapping[tuple[str, str], pd.DataFrame],
) -> pd.DataFrame:
    """Return the table of paper_tables/<name>.csv, a row per encoder and row of the paper table.

    Columns: encoder, model, label, those of the rows, n (cases), each metric of the pooled
    out-of-fold predictions with its 95 % interval, its difference from the reference row (paired
    patient bootstrap, Holm over the rows), tokens in and share kept (mean over the test slides of
    all folds), the cost of one typical slide, the seconds per
    epoch of training (median of the folds), and `paper_…`: what the paper printed, about its own
    data and machine.

    Args:
        spec: A paper table of the config, defaults filled in.
        summary: Rows of summary.csv, the table's models.
        comparisons: Rows of comparisons.csv, against the table's reference.
        cost: Rows of cost.csv; of each model the row with the fewest tokens is the typical slide.
        predictions: (encoder, model) to its out-of-fold predictions table.
    """
    if spec["level"] not in set(summary["level"]):
        # Where patients have slides of two classes, there are no metrics of patients.
        spec = {**spec, "level": "slide"}
    level = spec["level"]
    values = summary[summary["level"] == level].set_index(["encoder", "model", "metric"])
    tests = comparisons[(comparisons["level"] == level) & (comparisons["test"] == BOOTSTRAP)]
    tests = tests.set_index(["encoder", "model_a", "metric"])
    costs = cost.sort_values("tokens_in").groupby(["encoder", "model"]).first()
    encoders = dict.fromkeys(encoder for encoder, _ in predictions)
    rows = []
    for encoder in encoders:
        for model, row in spec["rows"].items():
            cells = {"encoder": encoder, "model": model, "label": row["label"], **row["columns"]}
            for metric in table_metrics(spec):
                key = (encoder, model, metric)
                cells.setdefault("n", values.loc[key, "n"])
                cells |= _metric_cells(metric, values.loc[key])
                cells |= _difference_cells(metric, tests.loc[key] if key in tests.index else None)
            cells |= _token_cells(predictions[encoder, model])
            cells |= {name: costs.loc[(encoder, model), name] for name in (*COSTS, "device")}
            cells |= _paper_cells(spec, row)
            rows.append(cells)
    return pd.DataFrame(rows)


def _metric_cells(metric: str, found: pd.Series) -> dict[str, float]:
    return {
        metric: found["pooled"],
        f"{metric}_ci_low": found["ci_low"],
        f"{metric}_ci_high": found["ci_high"],
    }


def _difference_cells(metric: str, found: pd.Series | None) -> dict[str, float]:
    """Cells of the paired test; empty in the reference's own row."""
    return {
        f"{metric}_{name if name == 'difference' else f'difference_{name}'}": float("nan")
        if found is None
        else found[name]
        for name in _DIFFERENCE
    }


def _token_cells(predictions: pd.DataFrame) -> dict[str, float]:
    share = predictions["tokens_kept"] / predictions["tokens_in"]
    return {"tokens_in": predictions["tokens_in"].mean(), TOKENS_KEPT: share.mean()}


def _paper_cells(spec: Mapping, row: Mapping) -> dict[str, float]:
    columns = spec.get("paper", {}).get("columns", {})
    return {f"{PAPER}{name}": row["paper"].get(name, float("nan")) for name in columns}
