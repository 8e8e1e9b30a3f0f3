"""`slidesieve audit`: are the results what they claim to be?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml
from snakemake.utils import update_config, validate

from slidesieve.audit.report import audit_study
from slidesieve.cohort.checks import check_config
from slidesieve.cohort.config import Study, build_study
from slidesieve.cohort.layers import settle_layers
from slidesieve.errors import ConfigError


def run(options: argparse.Namespace) -> int:
    """Audit the datasets; 1 if anything is broken or missing."""
    study = load_study(options.configfile)
    names = options.datasets or list(study.datasets)
    unknown = [name for name in names if name not in study.datasets]
    if unknown:
        known = ", ".join(study.datasets)
        raise ConfigError([f"no dataset {name!r}; the config has: {known}" for name in unknown])
    return audit_study(study, names, options.results)


def load_study(files: Sequence[Path]) -> Study:
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
    schemas = Path(__file__).parents[3] / "workflow" / "schemas"
    config_schema, row_schema = (
        yaml.safe_load((schemas / f"{name}.schema.yaml").read_text(encoding="utf-8"))
        for name in ("config", "samples")
    )
    settle_layers(config)
    checked = check_config(config, config_schema, row_schema)
    if checked.problems:
        raise ConfigError(checked.problems)
    validate(config, schemas / "config.schema.yaml")
    return build_study(config, checked.sheets)
