"""Selectors on painted slides harder than the demo's: 400 tiles, ten nests of half a tile.

    python experiments/painted_cohort.py [--work FOLDER] [--patients 90] [--seed 1] [--cores 2]

Prints, and writes to WORK/comparison.csv, the table of `real_tissue.py`. A check of methods on
pictures whose truth is known, and nothing that could be called a clinical result.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from cohort_study import MODELS, compare, write_config, write_once

from slidesieve.synthetic.painter.demo import paint_cohort
from slidesieve.synthetic.painter.recipes import CLASSES
from slidesieve.synthetic.painter.scattered import scattered_recipes


def main():
    """Paint the cohort, run the workflow, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path("painted_cohort"))
    parser.add_argument("--patients", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    chosen = parser.parse_args()
    prepare(chosen.work, chosen.patients, chosen.seed, chosen.models)
    compare(chosen.work, chosen.cores)


def prepare(work: Path, patients: int, seed: int, models):
    """Write slides, sheet and config into a folder; slides that are there stay."""
    described = json.dumps({"patients": patients, "seed": seed})
    recipes = scattered_recipes(patients, seed)
    write_once(work / "painted.json", described, lambda: paint_cohort(work, recipes))
    dataset = {"slides": "slides.csv", "classes": list(CLASSES), "truth": "truth"}
    write_config(work, dataset, models)


if __name__ == "__main__":
    main()
