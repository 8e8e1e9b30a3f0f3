"""The cost of a forward pass as cells of a table."""

from __future__ import annotations

import pandas as pd

from slidesieve.figures.html_page import Cell, number


def flops_unit(gflops: pd.Series) -> tuple[str, float]:
    """Return the unit in which a column of GFLOPs is easily read, and its size in GFLOPs."""
    return ("MFLOPs", 1e-3) if gflops.max() < 1 else ("GFLOPs", 1.0)


def cost_head(gflops: pd.Series) -> list[str]:
    """Return the names of the columns of `cost_cells`, for a table with these GFLOPs."""
    return ["Tokens kept", flops_unit(gflops)[0], "Memory, MB", "Latency, ms"]


def cost_cells(row: pd.Series, gflops: pd.Series) -> list[Cell]:
    """Return the cells of one pass.

    Args:
        row: Of cost.csv.
        gflops: Those of the whole table, which choose the unit.
    """
    kept = f"{row['tokens_out'] / row['tokens_in']:.0%} of {row['tokens_in']:,.0f}"
    return [
        Cell(f"{row['tokens_out']:,.0f}", note=kept, css="number"),
        number(row["gflops"] / flops_unit(gflops)[1], 3),
        number(row["peak_memory_mb"], 1),
        number(row["latency_ms_median"], 2),
    ]
