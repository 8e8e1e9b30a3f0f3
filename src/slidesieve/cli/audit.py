"""`slidesieve audit`: are the results what they claim to be?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml
from snakemake.utils import update_config

from slidesieve.audit.report import audit_study
from slidesieve.config.load import load_study
from slidesieve.config.study import Study
from slidesieve.errors import ConfigError


def run(options: argparse.Namespace) -> int:
    """Audit the datasets; 1 if anything is broken or missing."""
    study = study_of_files(options.configfile)
    names = options.datasets or list(study.datasets)
    unknown = [name for name in names if name not in study.datasets]
    if unknown:
        known = ", ".join(study.datasets)
        raise ConfigError([f"no dataset {name!r}; the config has: {known}" for name in unknown])
    return audit_study(study, names, options.results)


def study_of_files(files: Sequence[Path]) -> Study:
    """Load config files laid over one another, as Snakemake does.

    Raises:
        ConfigError: With every mistake in them.
    """
    config: dict = {}
    for file in files:
        try:
            update_config(config, yaml.safe_load(file.read_text(encoding="utf-8")) or {})
        except (OSError, yaml.YAMLError) as error:
            raise ConfigError([f"{file}: cannot be read as YAML ({error})"]) from error
    return load_study(config, Path(__file__).parents[3] / "workflow" / "schemas")
