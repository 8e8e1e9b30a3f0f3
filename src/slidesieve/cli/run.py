"""`slidesieve run`: the workflow on a study, in the current folder."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from slidesieve.config.shipped import find_file, shipped_root
from slidesieve.errors import ConfigError

_YAML = (".yaml", ".yml")


def run(options: argparse.Namespace) -> int:
    """Become Snakemake; its exit code is ours."""
    files, passed_on = split_arguments(options.arguments)
    start(snakemake_command(files, passed_on))
    return 0


def split_arguments(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Return the study's files, which come first, and what is meant for Snakemake.

    Raises:
        ConfigError: A file is missing, or stands behind a target or an option.
    """
    n_files = next(
        (n for n, argument in enumerate(arguments) if not argument.endswith(_YAML)), len(arguments)
    )
    files, passed_on = [Path(name) for name in arguments[:n_files]], list(arguments[n_files:])
    problems = [
        f"{file}: no such file; `slidesieve init` writes a study"
        for file in files
        if not find_file(file).exists()
    ]
    problems += [
        f"{argument}: files of a study come first: slidesieve run {argument} …"
        for before, argument in zip(["", *passed_on], passed_on, strict=False)
        if argument.endswith(_YAML) and not before.startswith("-") and "/" not in argument
    ]
    if problems:
        raise ConfigError(problems)
    return files, passed_on


def snakemake_command(files: Sequence[Path], passed_on: Sequence[str]) -> list[str]:
    """Return the command that runs the workflow with the files of a study laid over one another.

    A profile of the workflow (`--profile slurm`) is found from any folder.
    """
    root = shipped_root()
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(root / "Snakefile")]
    for before, argument in zip(["", *passed_on], passed_on, strict=False):
        command.append(str(find_file(Path(argument))) if before == "--profile" else argument)
    # Last, for Snakemake takes all that follows for more files.
    return (
        [*command, "--configfile", *(str(find_file(file)) for file in files)] if files else command
    )


def start(command: Sequence[str]) -> None:
    """Put Snakemake in the place of this process, so that signals reach it.

    Raises:
        ConfigError: It is not installed.
    """
    require_snakemake()
    sys.stdout.flush()
    os.execv(command[0], list(command))


def require_snakemake() -> None:
    """Say how to install Snakemake where it is missing.

    Raises:
        ConfigError: It is missing.
    """
    if find_spec("snakemake") is None:
        raise ConfigError(["Snakemake is not installed: pip install 'slidesieve[workflow]'"])
