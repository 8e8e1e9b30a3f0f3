"""Several draws of one cohort taken together: a single one decides little to two points.

Each folder is one that `real_tissue.py --work` or `painted_cohort.py --work` has finished, all of
one sort and of different seeds. Printed is a row per draw and one of all, in balanced accuracy of
patients with the bootstrap over all of them: the method, and the method minus each other model that
the draws share. SparseLearn is its hard path; its audit is run where it is missing, and the soft
path (the mean of five draws of its noise) minus the hard one comes first.

    python experiments/pooled_cohorts.py DIR [DIR ...] [--method sparselearn] [--cores 2]

The draws share their tissue: together they say more about the mosaics, not about more tissue.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import yaml
from cohort_study import DATASET, ENCODER, EVALUATION, run_workflow

from slidesieve.evaluation.metrics import metric_values
from slidesieve.evaluation.outcomes import outcomes_by_level
from slidesieve.evaluation.tables import POOLED
from slidesieve.selector_diagnostics.tables import paths_table
from slidesieve.statistics.bootstrap import bootstrap_metrics, percentile_interval
from slidesieve.statistics.comparisons import compare_models
from slidesieve.store.tables import read_csv

AUDITED = "sparselearn"
METRIC = "balanced_accuracy"
BOOTSTRAP = (EVALUATION["bootstrap"], EVALUATION["seed"])


def main() -> None:
    """Audit, pool and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="+", type=Path)
    parser.add_argument("--method", default=AUDITED)
    parser.add_argument("--cores", type=int, default=2)
    options = parser.parse_args()
    configs = [yaml.safe_load((work / "config.yaml").read_text()) for work in options.works]
    classes = configs[0]["datasets"][DATASET]["classes"]
    shared = set.intersection(*(set(config["models"]) for config in configs))
    others = [model for model in configs[0]["models"] if model in shared - {options.method}]
    is_audited = options.method == AUDITED
    for work in options.works if is_audited else ():
        run_workflow(work, options.cores, ["selectors"])
    columns = [options.method, *["soft − hard"] * is_audited, *(f"− {model}" for model in others)]
    print(f"| draw | slides | {' | '.join(columns)} |")
    print("|" + "---|" * (len(columns) + 2))
    for works in [*([work] for work in options.works), options.works]:
        method = _pooled(works, f"predictions/{ENCODER}/{options.method}.csv")
        cells = [_score(method, classes)]
        if is_audited:
            cells.append(_soft_minus_hard(works, classes))
        cells += [_difference(works, model, options.method, classes) for model in others]
        name = works[0].name if len(works) == 1 else "all"
        print(f"| {name} | {method['slide_id'].nunique()} | {' | '.join(cells)} |")


def _score(predictions: pd.DataFrame, classes: list[str]) -> str:
    outcomes = outcomes_by_level(predictions, classes)["patient"]
    drawn = bootstrap_metrics(outcomes, *BOOTSTRAP)[METRIC]
    return _cell(metric_values(outcomes)[METRIC], *percentile_interval(drawn))


def _soft_minus_hard(works: list[Path], classes: list[str]) -> str:
    paths = _pooled(works, f"selectors/{ENCODER}/{AUDITED}/predictions.csv")
    table = paths_table(paths, classes, *BOOTSTRAP)
    pooled = table[(table["fold"] == POOLED) & (table["metric"] == METRIC)]
    found = pooled.query("level == 'patient' and variant == 'soft-hard'").iloc[0]
    return _cell(found.value, found.ci_low, found.ci_high)


def _difference(works: list[Path], model: str, method: str, classes: list[str]) -> str:
    pair = {name: _pooled(works, f"predictions/{ENCODER}/{name}.csv") for name in (model, method)}
    table = compare_models(pair, model, classes, *BOOTSTRAP, ENCODER)
    found = table.query("level == 'patient' and metric == @METRIC").iloc[0]
    return _cell(found.difference, found.ci_low, found.ci_high)


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
