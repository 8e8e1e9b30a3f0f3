"""`slidesieve report`: all tables and pictures of a finished study in one HTML file."""

from __future__ import annotations

import argparse

from slidesieve.cli.run import snakemake_command, split_arguments, start
from slidesieve.errors import ConfigError

_HTML = (".html", ".zip")


def run(options: argparse.Namespace) -> int:
    """Become Snakemake, which writes the report."""
    files, rest = split_arguments(options.arguments)
    if not rest or not rest[0].endswith(_HTML):
        raise ConfigError(["name the report: slidesieve report my_study.yaml report.html"])
    start(snakemake_command(files, ["--cores", "1", *rest[1:], "--report", rest[0]]))
    return 0
