"""`slidesieve init`: a study of one's own slides, as a YAML file and a sample sheet."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from slidesieve.config.names import TargetName
from slidesieve.config.new_study import NewStudy, study_text
from slidesieve.config.rule_names import reserved_names
from slidesieve.encoders.registry import check_encoder
from slidesieve.errors import ConfigError
from slidesieve.parsing.settings import settings_problems
from slidesieve.sheets.draft import SheetDraft, first_column, read_table
from slidesieve.sheets.from_folder import draft_from_files, read_labels
from slidesieve.slide.find import SLIDE_ENDINGS, find_slides, slide_name
from slidesieve.store.feature_endings import FEATURE_ENDINGS
from slidesieve.store.tables import write_csv

_SHEET_NEEDED = "give --slides FOLDER, --sheet FILE or --features FOLDER"


def run(options: argparse.Namespace) -> int:
    """Write NAME.yaml and, unless a sheet is given, NAME_slides.csv; nothing is overwritten."""
    _check_name(options.name)
    options = _with_answers(options)
    config = Path(f"{options.name}.yaml")
    sheet = options.sheet or Path(f"{options.name}_slides.csv")
    _refuse_existing([config] if options.sheet else [config, sheet])
    draft = None if options.sheet else _draft(options)
    classes = _classes(options, sheet, draft)
    text = study_text(
        NewStudy(
            name=options.name,
            sheet=str(sheet),
            features=str(options.features) if options.features else None,
            slides_dir=None,
            classes=classes,
            encoder=_encoder(options),
            models=options.models.split(","),
            mpp=options.mpp,
        )
    )
    if draft is not None:
        write_csv(sheet, draft.table()[_columns(options)])
        _tell(draft, sheet)
    config.write_text(text, encoding="utf-8")
    print(f"study: {config}")
    print(f"next: slidesieve run {config} --cores 4")
    return 0


def _check_name(name: str) -> None:
    problems = settings_problems(dict[TargetName, int], {name: 0})
    if name in reserved_names():
        problems.append(f"{name!r} is the name of a rule; choose another")
    if problems:
        raise ConfigError(problems)


def _with_answers(options: argparse.Namespace) -> argparse.Namespace:
    """Ask on a terminal for what no flag says."""
    if options.slides or options.sheet or options.features:
        return options
    if not sys.stdin.isatty():
        raise ConfigError([_SHEET_NEEDED])
    options.slides = Path(_ask("Folder of slides", "slides"))
    if options.classes is None and options.labels is None:
        options.classes = _ask("Classes, with commas between them", "")
    options.encoder = options.encoder or _ask("Encoder (see `slidesieve encoders`)", "")
    return options


def _ask(question: str, default: str, read: Callable[[str], str] = input) -> str:
    hint = f" [{default}]" if default else ""
    return read(f"{question}{hint}: ").strip() or default


def _refuse_existing(files: Sequence[Path]) -> None:
    existing = [f"{file} exists already; choose another name" for file in files if file.exists()]
    if existing:
        raise ConfigError(existing)


def _draft(options: argparse.Namespace) -> SheetDraft:
    """Draft the sample sheet from the files of a folder."""
    folder: Path = options.slides or options.features
    if not folder.is_dir():
        raise ConfigError([f"{folder} is not a folder"])
    if options.slides:
        files = [(slide_name(path), path.absolute()) for path in find_slides(folder)]
    else:
        found = sorted(path for path in folder.iterdir() if path.suffix in FEATURE_ENDINGS)
        files = [(path.stem, path) for path in found]
    if not files:
        endings = ", ".join(SLIDE_ENDINGS if options.slides else FEATURE_ENDINGS)
        raise ConfigError([f"{folder} holds no file that ends with {endings}"])
    draft = draft_from_files(files, read_labels(options.labels) if options.labels else {})
    if options.features:
        # Files of features are found by the name of their slide, so it must stay as it is.
        names = [name for name, _ in files]
        rows = zip(draft.rows, names, strict=True)
        return SheetDraft(tuple(replace(row, slide_id=name) for row, name in rows))
    return draft


def _columns(options: argparse.Namespace) -> list[str]:
    return ["slide_id", "patient_id", "label", *(["path"] if options.slides else [])]


def _classes(options: argparse.Namespace, sheet: Path, draft: SheetDraft | None) -> list[str]:
    """The classes: those named, or those of the labels that are known."""
    if options.classes:
        return [label.strip() for label in options.classes.split(",") if label.strip()]
    if draft is None:
        labels = list(first_column(read_table(sheet, ","), ["label"], sheet, "the label"))
    else:
        labels = [row.label for row in draft.rows]
    classes = sorted({label for label in labels if label})
    if len(classes) < 2:
        raise ConfigError(["name at least two classes: --classes LUAD,LUSC (or --labels FILE)"])
    return classes


def _encoder(options: argparse.Namespace) -> str:
    if options.features:
        return options.encoder or "provided"
    encoder = options.encoder or "colour_texture"
    check_encoder(encoder)
    return encoder


def _tell(draft: SheetDraft, sheet: Path) -> None:
    print(f"sample sheet: {sheet} ({len(draft.rows)} slides)")
    guessed = sum(row.patient_id == row.slide_id for row in draft.rows)
    if guessed:
        print(f"  patient_id: {guessed} slides count as a patient each; correct what is not so")
    blank = sum(not row.label for row in draft.rows)
    if blank:
        print(f"  label: {blank} rows are blank; fill them in before you run")
