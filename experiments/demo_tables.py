"""Write the tables of docs/evidence/demo.md from the demo's results.

    make demo && python experiments/demo_tables.py [--results results/demo]

A table stands between the comments `<!-- table: NAME -->` and `<!-- end of table -->`; whatever
stood there is replaced.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pandas as pd

from slidesieve.evaluation.tables import POOLED
from slidesieve.store.tables import read_csv

PAGE = Path(__file__).parents[1] / "docs/evidence/demo.md"
_MODELS = {
    "mean": "mean",
    "max": "max",
    "abmil": "ABMIL",
    "random_abmil": "random 40 %, ABMIL",
    "uniform_abmil": "uniform 40 %, ABMIL",
    "dtc_abmil": "DTC r = 0.4, ABMIL",
    "sparselearn_abmil": "SparseLearn 32 tokens, ABMIL",
}
# words, topic, variant, metric, level
_MEASURES = (
    ("balanced accuracy of patients, in use", "paths", "hard", "balanced_accuracy", "patient"),
    ("the same, soft path", "paths", "soft", "balanced_accuracy", "patient"),
    ("soft − hard, balanced accuracy", "paths", "soft-hard", "balanced_accuracy", "patient"),
    ("soft − hard, AUC", "paths", "soft-hard", "auc_macro_ovr", "patient"),
    ("soft mass on the hard set", "mass", "model", "overlap", "slide"),
    ("R² from itself, gated", "leakage", "gated", "r2", "token"),
    ("R² from kept tokens", "leakage", "kept", "r2", "token"),
    ("Jaccard under jitter of 0.1 sd", "noise", "0.1", "jaccard", "slide"),
    ("Jaccard under jitter of 0.5 sd", "noise", "0.5", "jaccard", "slide"),
    ("Jaccard between folds", "folds", "model", "jaccard", "slide"),
    ("Jaccard by chance", "folds", "chance", "jaccard", "slide"),
    ("recall of truth tiles", "truth", "model", "recall", "slide"),
    ("random, as many", "truth", "random", "recall", "slide"),
    ("uniform, as many", "truth", "uniform", "recall", "slide"),
    ("farthest point, as many", "truth", "farthest_point", "recall", "slide"),
    ("sufficiency", "evidence", "model", "sufficiency", "slide"),
    ("sufficiency, random order", "evidence", "random", "sufficiency", "slide"),
    ("necessity", "evidence", "model", "necessity", "slide"),
    ("necessity, random order", "evidence", "random", "necessity", "slide"),
    ("minimal K", "evidence", "model", "minimal_k", "slide"),
    ("minimal K, random order", "evidence", "random", "minimal_k", "slide"),
)


def main() -> None:
    """Replace the tables of the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=Path("results/demo"))
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    tables = {
        "models": models_table(read_csv(options.results / "summary.csv")),
        "selectors": selectors_table(read_csv(options.results / "selectors.csv")),
    }
    text = options.page.read_text(encoding="utf-8")
    for name, table in tables.items():
        text = replaced(text, name, table.to_markdown(index=False))
    options.page.write_text(text, encoding="utf-8")


def models_table(summary: pd.DataFrame) -> pd.DataFrame:
    """Return balanced accuracy and AUC of patients, pooled, with their intervals."""
    rows = summary[summary["level"] == "patient"].set_index(["model", "metric"])
    return pd.DataFrame(
        {
            "model": words,
            "balanced accuracy": with_interval(rows.loc[model, "balanced_accuracy"], "pooled"),
            "macro AUC": with_interval(rows.loc[model, "auc_macro_ovr"], "pooled"),
        }
        for model, words in _MODELS.items()
    )


def selectors_table(selectors: pd.DataFrame) -> pd.DataFrame:
    """Return the measures of every diagnosed model over all folds, a column per model."""
    pooled = selectors[selectors["fold"].astype(str) == POOLED]
    rows = pooled.set_index(["model", "topic", "variant", "metric", "level"])
    table = pd.DataFrame({"measure": [words for words, *_ in _MEASURES]})
    for model in pooled["model"].unique():
        keys = [(model, *key) for _, *key in _MEASURES]
        table[_MODELS.get(model, model)] = [
            with_interval(rows.loc[key], "value") if key in rows.index else "–" for key in keys
        ]
    return table


def with_interval(row: pd.Series, value: str) -> str:
    """Return a value with its interval, if it has one."""
    if pd.isna(row["ci_low"]):
        return f"{row[value]:.2f}"
    return f"{row[value]:.2f} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"


def replaced(text: str, name: str, table: str) -> str:
    """Return a page with another table between the comments of a name.

    Raises:
        ValueError: The page has no such place, or several.
    """
    start, end = f"<!-- table: {name} -->", "<!-- end of table -->"
    pattern = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    changed, places = pattern.subn(lambda _: f"{start}\n\n{table}\n\n{end}", text)
    if places != 1:
        raise ValueError(f"the page has {places} places for the table {name!r}, not one")
    return changed


if __name__ == "__main__":
    main()
