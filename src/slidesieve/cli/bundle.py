"""`slidesieve bundle`: a trained model as one folder, to be used elsewhere."""

from __future__ import annotations

import argparse

from slidesieve.bundles.make import make_bundle
from slidesieve.bundles.study_model import study_model
from slidesieve.cli.audit import config_files
from slidesieve.config.load import load_study_files


def run(options: argparse.Namespace) -> int:
    """Write the bundle and say what to do with it."""
    study = load_study_files(config_files(options.configfile))
    source = study_model(study, options.results, options.encoder, options.model)
    bundle = make_bundle(source, options.out)
    print(f"bundle: {options.out} ({len(bundle.fits)} fits of {bundle.model})")
    print(f"next: slidesieve predict {options.out} SLIDES --output predicted")
    return 0
