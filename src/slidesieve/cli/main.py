"""Entry point: one file per sub-command, imported only when it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from slidesieve import __version__
from slidesieve.errors import SlideSieveError

# Commands that become Snakemake, and how they are used.
_OF_SNAKEMAKE = {
    "run": "[STUDY.yaml …] [TARGET …] [Snakemake's options …]",
    "report": "[STUDY.yaml …] REPORT.html [Snakemake's options …]",
}
_HELP = {
    "run": "run the workflow on a study in this folder; without one, the demo",
    "report": "write tables and pictures of a finished study into one HTML file",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a sub-command; 0 means all is well, 1 that it found faults, 2 that it could not run."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    command = import_module(f"slidesieve.cli.{options.command.replace('-', '_')}")
    try:
        return command.run(options)
    except SlideSieveError as error:
        sys.stderr.write(f"slidesieve {options.command}: {error}\n")
        return 2
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line; that of Snakemake's commands is Snakemake's to parse."""
    command, *rest = arguments or [""]
    if command in _OF_SNAKEMAKE and not {"-h", "--help"} & set(rest):
        return argparse.Namespace(command=command, arguments=rest)
    own, passed_on = list(arguments), []
    if command == "predict" and "--" in own:
        behind = own.index("--")
        own, passed_on = own[:behind], own[behind + 1 :]
    options = _parser().parse_args(own)
    options.passed_on = passed_on
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="slidesieve", description="Whole-slide images to slide-level predictions."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    _add_init(commands.add_parser("init", help="write a study of your own slides"))
    for name, usage in _OF_SNAKEMAKE.items():
        commands.add_parser(name, usage=f"slidesieve {name} {usage}", help=_HELP[name])

    inspect = commands.add_parser("inspect", help="show what is in HDF5 files and bundles")
    inspect.add_argument("files", nargs="+", type=Path, metavar="FILE")

    _add_bundles(commands)

    _add_view(commands.add_parser("view", help="look at slides and models in a browser"))

    audit = commands.add_parser(
        "audit", help="check every artifact of a dataset against its contract and its neighbours"
    )
    audit.add_argument("datasets", nargs="*", metavar="DATASET", help="default: all of the config")
    audit.add_argument(
        "--configfile",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="behind the datasets; read as `slidesieve run FILE` reads them",
    )
    audit.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")

    doctor = commands.add_parser("doctor", help="check packages, OpenSlide, GPU, weights, disk")
    doctor.add_argument("--results", type=Path, default=Path("results"), metavar="FOLDER")

    _add_sheets(commands.add_parser("sheet", help="make a sample sheet of TCGA or PANDA tables"))

    commands.add_parser("encoders", help="list the encoders that a config may name")

    ask = commands.add_parser("ask", help="ask a trained model a question about a slide")
    ask.add_argument("model", type=Path, metavar="MODEL", help="folder that vqa_train wrote")
    ask.add_argument("features", type=Path, metavar="FEATURES", help="features file of the slide")
    ask.add_argument("question", metavar="QUESTION")
    ask.add_argument("--options", nargs="+", default=[], metavar="TEXT", help="of a closed one")

    demo = commands.add_parser("demo-slides", help="paint the demo cohort and its sample sheet")
    demo.add_argument("folder", type=Path, metavar="FOLDER")
    return parser


def _add_bundles(commands: argparse._SubParsersAction) -> None:
    bundle = commands.add_parser("bundle", help="write a trained model into one folder")
    bundle.add_argument("results", type=Path, metavar="results/DATASET")
    bundle.add_argument("out", type=Path, metavar="OUT", help="folder of the bundle")
    bundle.add_argument("--encoder", metavar="NAME", help="needed where there are several")
    bundle.add_argument("--model", metavar="NAME", help="needed where there are several")
    bundle.add_argument("--configfile", nargs="+", type=Path, metavar="FILE")

    predict = commands.add_parser(
        "predict",
        help="predict new slides by a trained model",
        epilog="Options behind -- go to Snakemake, as in: -- --profile slurm",
    )
    predict.add_argument("model", type=Path, metavar="MODEL", help="bundle, or folder of a model")
    predict.add_argument(
        "slides", nargs="+", type=Path, metavar="SLIDES", help="slides, folders, or a sample sheet"
    )
    predict.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    predict.add_argument("--heatmaps", action="store_true", help="draw where the model looked")
    predict.add_argument("--tokens", action="store_true", help="show what the reducer kept")
    predict.add_argument("--mpp", type=float, help="µm per px of slides that state none")
    predict.add_argument(
        "--encoder-weights", type=Path, metavar="PATH", help="local weights of the encoder"
    )
    predict.add_argument("--cores", default="all", metavar="N", help="default: all")
    predict.add_argument(
        "--configfile", nargs="+", type=Path, metavar="FILE", help="study of a model's folder"
    )

    push = commands.add_parser("push", help="send a bundle to the Hugging Face hub")
    push.add_argument("bundle", type=Path, metavar="BUNDLE")
    push.add_argument("repository", metavar="OWNER/NAME")
    push.add_argument("--private", action="store_true", help="if the repository is new")

    pull = commands.add_parser("pull", help="fetch a bundle from the Hugging Face hub")
    pull.add_argument("repository", metavar="OWNER/NAME")
    pull.add_argument("folder", type=Path, metavar="FOLDER")
    pull.add_argument("--revision", metavar="COMMIT", help="default: the newest")


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="of the study, its dataset and its files")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--slides", type=Path, metavar="FOLDER", help="make a sheet of its slides")
    source.add_argument("--sheet", type=Path, metavar="FILE", help="take this sample sheet")
    source.add_argument("--features", type=Path, metavar="FOLDER", help="ready-made features")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="CSV of slide_id and label")
    parser.add_argument("--classes", metavar="A,B", help="labels in order (default: of the labels)")
    parser.add_argument("--encoder", metavar="NAME", help="default: colour_texture")
    parser.add_argument("--models", default="abmil,dtc_abmil,sparselearn_abmil", metavar="M,N")
    parser.add_argument("--mpp", type=float, default=0.5, help="µm per px of a tile")


def _add_view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("results", nargs="?", type=Path, metavar="results/DATASET")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="default: a free one")
    parser.add_argument(
        "--truth",
        type=Path,
        metavar="FOLDER",
        help="of truth masks, SLIDE.png (default: truth/ there)",
    )
    parser.add_argument(
        "--install", action="store_true", help="fetch OpenSeadragon, once, and stop"
    )


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
