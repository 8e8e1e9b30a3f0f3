"""Does it hold on real tissue? Mosaics of labelled tiles go through the pipeline's own Snakemake.

    python experiments/real_tissue.py --tiles FOLDER [--work FOLDER] [--seed 1] [--cores 2]
        [--slides 60] [--tissue-tiles 250 350] [--tumour-share 0.011 0.025] [--nest-share 0.1 0.3]

FOLDER holds labels.csv (path, label[, prototype_group]) or a folder of pictures per label. Every
slide is a patch of normal tiles; half of the slides have one focus of tumour, a few per cent of
the tiles; with `--nest-share` these are normal tiles with a nest of tumour. Groups of tiles, and
with them slides, never lie on both sides of a fold.

Prints, and writes to WORK/comparison.csv, a row per model: balanced accuracy and AUC of
patients, their difference from the full bag (ABMIL) and from the method of the same budget, all
with 95 % intervals of the patient bootstrap, and the share of the tumour tiles that were kept.
Mosaics are no clinical slides, see docs/evidence/dtc-wsi.md.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import asdict
from pathlib import Path

from cohort_study import MODELS, compare, write_config, write_once

from slidesieve.synthetic.mosaic.cohort import MosaicSettings, classes_of, write_cohort
from slidesieve.synthetic.mosaic.tiles import read_labelled_tiles


def main():
    """Write the cohort, run the workflow, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tiles", type=Path, required=True)
    parser.add_argument("--normal", default="lung_n", help="label of normal tissue")
    parser.add_argument("--work", type=Path, default=Path("real_tissue"))
    parser.add_argument("--slides", type=int, default=MosaicSettings.n_slides)
    for name, kind in (("tissue_tiles", int), ("tumour_share", float), ("nest_share", float)):
        least_and_most = getattr(MosaicSettings, name)
        flag = f"--{name.replace('_', '-')}"
        parser.add_argument(flag, type=kind, nargs=2, default=least_and_most)
    parser.add_argument("--artefacts", type=float, default=MosaicSettings.artefacts)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--models", nargs="*", choices=MODELS, default=list(MODELS))
    chosen = parser.parse_args()
    settings = MosaicSettings(
        normal=chosen.normal,
        n_slides=chosen.slides,
        tissue_tiles=tuple(chosen.tissue_tiles),
        tumour_share=tuple(chosen.tumour_share),
        nest_share=tuple(chosen.nest_share),
        artefacts=chosen.artefacts,
        seed=chosen.seed,
    )
    prepare(chosen.work, chosen.tiles, settings, chosen.models)
    compare(chosen.work, chosen.cores)


def prepare(work: Path, tiles: Path, settings: MosaicSettings, models):
    """Write slides, sheet, folds and config into a folder; slides that are there stay."""
    described = json.dumps({"tiles": str(tiles.resolve()), **asdict(settings)}, indent=2)
    write_once(work / "mosaic.json", described, lambda: write_cohort(work, tiles, settings))
    classes = classes_of(read_labelled_tiles(tiles), settings.normal)
    dataset = {
        "slides": "slides.csv",
        "classes": classes,
        "target_mpp": settings.mpp,
        "tile_px": settings.tile_px,
        "truth": "truth",
        "folds": {"k": settings.blocks, "file": "folds.csv"},
    }
    write_config(work, dataset, models)


if __name__ == "__main__":
    main()
