"""Several draws of one cohort taken together: a single one decides little to two points.

Each folder is one that `real_tissue.py --work` or `painted_cohort.py --work` has finished, all of
one sort and of different seeds. The audit of their SparseLearn is run where it is missing. Printed
is a row per draw and one of all, in balanced accuracy of patients with the bootstrap over all of
them: the hard path, the soft path minus it (the mean of five draws of its noise), and the hard
path minus each other model that they share.

    python benchmarks/pooled_cohorts.py DIR [DIR ...] [--cores 2]

The draws share their tissue: together they say more about the mosaics, not about more tissue.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import yaml
from cohort_study import DATASET, ENCODER, EVALUATION, run_workflow

from slidesieve.evaluation.tables import POOLED
from slidesieve.selector_audit.tables import paths_table
from slidesieve.statistics.comparisons import compare_models
from slidesieve.store.tables import read_csv

METHOD = "sparselearn"
METRIC = "balanced_accuracy"
BOOTSTRAP = (EVALUATION["bootstrap"], EVALUATION["seed"])


def main() -> None:
    """Audit, pool and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="+", type=Path)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    configs = [yaml.safe_load((work / "config.yaml").read_text()) for work in options.works]
    classes = configs[0]["datasets"][DATASET]["classes"]
    shared = set.intersection(*(set(config["models"]) for config in configs))
    others = [model for model in configs[0]["models"] if model in shared - {METHOD}]
    for work in options.works:
        run_workflow(work, options.cores, ["selectors"])
    print(f"| draw | slides | {METHOD} | soft − hard | {' | '.join(f'− {m}' for m in others)} |")
    print("|" + "---|" * (len(others) + 4))
    for works in [*([work] for work in options.works), options.works]:
        print(_row(works, classes, others))


def _row(works: list[Path], classes: list[str], others: list[str]) -> str:
    paths = paths_table(
        _pooled(works, f"selectors/{ENCODER}/{METHOD}/predictions.csv"), classes, *BOOTSTRAP
    )
    chosen = paths[(paths["fold"] == POOLED) & (paths["metric"] == METRIC)]
    rows = chosen[chosen["level"] == "patient"].itertuples()
    of_path = {row.variant: (row.value, row.ci_low, row.ci_high) for row in rows}
    cells = [_cell(*of_path["hard"]), _cell(*of_path["soft-hard"])]
    method = _pooled(works, f"predictions/{ENCODER}/{METHOD}.csv")
    for model in others:
        pair = {model: _pooled(works, f"predictions/{ENCODER}/{model}.csv"), METHOD: method}
        table = compare_models(pair, model, classes, *BOOTSTRAP, ENCODER)
        found = table.query("level == 'patient' and metric == @METRIC").iloc[0]
        cells.append(_cell(found.difference, found.ci_low, found.ci_high))
    name = works[0].name if len(works) == 1 else "all"
    return f"| {name} | {method['slide_id'].nunique()} | {' | '.join(cells)} |"


def _pooled(works: list[Path], table: str) -> pd.DataFrame:
    """One table of all draws, whose slides and patients have names of their own."""
    parts = []
    for work in works:
        part = read_csv(work / "results" / DATASET / table)
        names = {column: f"{work.name}/" + part[column] for column in ("slide_id", "patient_id")}
        parts.append(part.assign(**names))
    return pd.concat(parts, ignore_index=True)


def _cell(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


if __name__ == "__main__":
    main()
