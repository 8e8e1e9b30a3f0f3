"""`slidesieve predict`: new slides through a trained model."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd

from slidesieve.bundles.make import make_bundle
from slidesieve.bundles.new_slides import TABLE, NewSlides, write_predictions, write_study
from slidesieve.bundles.study_model import study_model
from slidesieve.cli.audit import config_files
from slidesieve.cli.run import require_snakemake, snakemake_command
from slidesieve.config.load import load_study_files
from slidesieve.errors import ConfigError
from slidesieve.models.bundle import is_bundle, read_bundle

_OWN_BUNDLE = "model"
_DRY_RUN = {"-n", "--dry-run", "--dryrun"}


def run(options: argparse.Namespace) -> int:
    """Run the workflow on the slides; 1 if it fails, or if not one slide could be predicted."""
    require_snakemake()
    bundle = _bundle(options)
    config = write_study(
        NewSlides(
            bundle=bundle,
            slides=options.slides,
            out=options.output,
            heatmaps=options.heatmaps,
            tokens=options.tokens,
            mpp=options.mpp,
            encoder_weights=options.encoder_weights,
        )
    )
    passed_on = ["--cores", options.cores, "--rerun-incomplete", *options.passed_on]
    command = snakemake_command([config.absolute()], passed_on)
    sys.stdout.flush()
    code = subprocess.run(command, cwd=options.output, check=False).returncode
    if code or _DRY_RUN & set(options.passed_on):
        return int(code != 0)
    table = write_predictions(options.output, read_bundle(bundle))
    _tell(table, options.output)
    return int(not (table["status"] == "ok").any())


def _bundle(options: argparse.Namespace) -> Path:
    """The bundle that is asked for; one is made of a model that still lies in its study."""
    model: Path = options.model
    if is_bundle(model):
        return model
    parts = model.resolve().parts
    if len(parts) < 4 or parts[-3] != "models" or not model.is_dir():
        raise ConfigError(
            [
                f"{model} is neither a bundle (`slidesieve bundle` makes one) nor a folder "
                "results/DATASET/models/ENCODER/MODEL"
            ]
        )
    study = load_study_files(config_files(options.configfile))
    source = study_model(study, model.resolve().parents[2], parts[-2], parts[-1])
    # Beside the output, which is to hold a study of its own and nothing else before that.
    out = options.output.with_name(f"{options.output.name}_{_OWN_BUNDLE}")
    make_bundle(source, out)
    return out


def _tell(table: pd.DataFrame, out: Path) -> None:
    done = table[table["status"] == "ok"]
    counts = ", ".join(f"{n} {name}" for name, n in done["prediction"].value_counts().items())
    print(f"predicted: {len(done)} of {len(table)} slides{f' ({counts})' if counts else ''}")
    unsure = done.loc[done["agreement"] < 1, "slide_id"].tolist()
    if unsure:
        shown = ", ".join(unsure[:5]) + (", …" if len(unsure) > 5 else "")
        print(f"  the folds' models disagree about {len(unsure)}: {shown}")
    print(f"table: {out / TABLE}")
