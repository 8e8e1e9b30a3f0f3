"""`slidesieve audit`: are the results what they claim to be?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from slidesieve.audit.report import audit_study
from slidesieve.config.load import load_study_files
from slidesieve.config.shipped import find_file
from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import did_you_mean

_DEFAULT = Path("config.yaml")


def run(options: argparse.Namespace) -> int:
    """Audit the datasets; 1 if anything is broken or missing."""
    study = load_study_files(config_files(options.configfile))
    names = options.datasets or list(study.datasets)
    unknown = [name for name in names if name not in study.datasets]
    if unknown:
        raise ConfigError(
            [f"no dataset {name!r}; {did_you_mean(name, study.datasets)}" for name in unknown]
        )
    return audit_study(study, names, options.results)


def config_files(given: Sequence[Path] | None) -> list[Path]:
    """Return the config files, as the workflow chooses them: config.yaml if none is given.

    Raises:
        ConfigError: One is missing; perhaps it is a dataset, which must come before them.
    """
    if given is None:
        return [_DEFAULT] if _DEFAULT.exists() else []
    missing = [file for file in given if not find_file(file).is_file()]
    found = " ".join(str(file) for file in given if file not in missing)
    if missing:
        raise ConfigError(
            f"{file}: no such config file; if it is a dataset, name it first: "
            f"slidesieve audit {file} --configfile {found or 'my_study.yaml'}"
            for file in missing
        )
    return list(given)
