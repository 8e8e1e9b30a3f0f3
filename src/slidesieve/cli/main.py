"""Entry point: one sub-command a file, imported only when it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from slidesieve import __version__
from slidesieve.errors import SlideSieveError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command; 0 means all is well, 1 that it found faults, 2 that it could not run."""
    options = _parser().parse_args(arguments)
    command = import_module(f"slidesieve.cli.{options.command.replace('-', '_')}")
    try:
        return command.run(options)
    except SlideSieveError as error:
        sys.stderr.write(f"slidesieve {options.command}: {error}\n")
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="slidesieve", description="Tools beside the pipeline.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    inspect = commands.add_parser("inspect", help="show what is in HDF5 files")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE")

    audit = commands.add_parser(
        "audit", help="check every artifact of a dataset against its contract and its neighbours"
    )
    audit.add_argument("datasets", nargs="*", metavar="DATASET", help="default: all of the config")
    audit.add_argument(
        "--configfile", nargs="+", type=Path, default=[Path("config.yaml")], metavar="FILE"
    )
    audit.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")

    doctor = commands.add_parser("doctor", help="check packages, OpenSlide, GPU, weights, disk")
    doctor.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")

    _add_sheets(commands.add_parser("sheet", help="make a sample sheet of TCGA or PANDA tables"))

    commands.add_parser("encoders", help="list the encoders that a config may name")

    demo = commands.add_parser("demo-slides", help="paint the demo cohort and its sample sheet")
    demo.add_argument("folder", type=Path, metavar="FOLDER")
    return parser


def _add_sheets(parser: argparse.ArgumentParser) -> None:
    archives = parser.add_subparsers(dest="archive", required=True, metavar="ARCHIVE")
    gdc = archives.add_parser("gdc", help="TCGA, from GDC sample sheets or manifests")
    gdc.add_argument("tables", nargs="+", type=Path, metavar="TABLE", help="as the portal gives it")
    gdc.add_argument(
        "--clinical", type=Path, metavar="FILE", help="clinical.tsv: tells IDC from ILC in BRCA"
    )
    gdc.add_argument("--project", help="of a manifest's files, for example TCGA-LUAD")
    panda = archives.add_parser("panda", help="the PANDA challenge, from its train.csv")
    panda.add_argument("tables", nargs=1, type=Path, metavar="TABLE", help="train.csv")
    panda.add_argument("--task", choices=["binary", "isup"], default="binary")
    for archive in (gdc, panda):
        archive.add_argument("--output", type=Path, required=True, metavar="FILE")
        archive.add_argument(
            "--slides", type=Path, metavar="FOLDER", help="leave out slides that it lacks"
        )


if __name__ == "__main__":
    sys.exit(main())
