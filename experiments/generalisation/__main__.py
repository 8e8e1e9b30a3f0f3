"""Do the methods hold on tissue that they have never seen?

    python experiments/generalisation --data FOLDER [--work FOLDER] [--part development]

Fits every model on every cohort of a part, with the product's own training loop, and prints
pooled balanced accuracy, AUC and recall of tumour tiles, with a bootstrap over cohorts and slides.
Fits that are done stay in WORK and are not repeated; give another folder for other code.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pandas as pd
import torch
from cohorts import BLOCKS, COHORTS
from fits import fit_and_test
from models import REDUCERS, spec_of
from mosaics import lay_cohort
from tables import difference, summary
from tqdm import tqdm

from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.settings import TrainingSettings

PARTS = ("development", "confirmation")
_COMPARED = (("dtc", "random_r"), ("sparselearn", "random_k"), ("sparselearn", "farthest_k"))


def main() -> None:
    """Lay, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the real tiles' folder")
    parser.add_argument("--work", type=Path, default=Path("build/generalisation"))
    parser.add_argument("--part", choices=PARTS, default="development")
    parser.add_argument("--kinds", nargs="*", help="kinds of cohorts; default all")
    parser.add_argument("--seeds", nargs="*", type=int, help="of cohorts; default all of the part")
    parser.add_argument("--folds", nargs="*", type=int, default=list(range(BLOCKS)))
    parser.add_argument("--fit-seeds", nargs="*", type=int, default=[0, 1])
    parser.add_argument("--epochs", type=int, default=TrainingSettings.epochs)
    parser.add_argument("--restarts", type=int, default=TrainingSettings.restarts)
    parser.add_argument("--models", nargs="*", default=list(REDUCERS))
    parser.add_argument("--variant", nargs="*", default=[], help="NAME=JSON of one more reducer")
    options = parser.parse_args()
    torch.set_num_threads(1)
    models = {name: REDUCERS[name] for name in options.models}
    models |= {name: json.loads(text) for name, text in (v.split("=", 1) for v in options.variant)}
    specs = [
        spec
        for spec in COHORTS.values()
        if spec.is_for_confirmation == (options.part == "confirmation")
        and spec.kind in (options.kinds or [spec.kind])
        and spec.seed in (options.seeds or [spec.seed])
    ]
    todo = [(s, seed, name) for s in specs for seed in options.fit_seeds for name in models]
    results = []
    for spec, seed, name in tqdm(todo, desc="fits", unit="cohort", disable=None):
        for fold in options.folds:
            folder = options.work / "fits" / f"{options.epochs}" / name / spec.name
            path = folder / f"{seed}-{fold}.csv"
            if not path.exists():
                settings = TrainingSettings(
                    epochs=options.epochs,
                    min_epochs=min(options.epochs, TrainingSettings.min_epochs),
                    seed=seed,
                    restarts=options.restarts,
                )
                cohort = lay_cohort(spec, options.data, options.work)
                table, fit = fit_and_test(cohort, fold, spec_of(models[name]), settings)
                key = {"cohort": spec.name, "fold": fold, "fit_seed": seed, "model": name}
                write_csv(path, table.assign(**key, **fit))
            results.append(read_csv(path))
    results = pd.concat(results)
    print_tables(results)


def print_tables(results: pd.DataFrame) -> None:
    """Print the pooled table, one of each kind of cohort, and the paired differences."""
    kind = results["cohort"].str.rsplit("-", n=1).str[0]
    print(summary(results).to_markdown(index=False))
    for name, own in results.groupby(kind):
        print(f"\n{name}")
        print(summary(own).to_markdown(index=False))
    print()
    for model, other in _COMPARED:
        if {model, other} <= set(results["model"]):
            print(f"{model} minus {other}: {difference(results, model, other)}")


if __name__ == "__main__":
    main()
