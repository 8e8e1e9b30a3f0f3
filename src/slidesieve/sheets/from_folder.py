"""A sample sheet drafted from files: what their names say is filled in, the rest left blank."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from slidesieve.sheets.draft import SheetDraft, SheetRow, first_column, read_own_table

_TCGA_BARCODE = re.compile(r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}", re.IGNORECASE)
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class KnownLabel:
    """Label of a slide, and its patient where the table of labels names one."""

    label: str
    patient_id: str | None


def draft_from_files(
    files: Sequence[tuple[str, Path]], labels: Mapping[str, KnownLabel]
) -> SheetDraft:
    """Draft a row per file.

    The patient is the one of the labels, or that of a TCGA barcode, or else the slide itself.

    Args:
        files: Name and path of each slide.
        labels: By name of slide; see `read_labels`.
    """
    rows = []
    for name, path in files:
        known = labels.get(name) or labels.get(name.partition(".")[0]) or KnownLabel("", None)
        barcode = _TCGA_BARCODE.match(name)
        patient = known.patient_id or (barcode[0].upper() if barcode else name)
        rows.append(SheetRow(_fit(name), patient, known.label, str(path)))
    counts = Counter(row.slide_id for row in rows)
    return SheetDraft(
        tuple(
            replace(row, slide_id=_fit(f"{Path(row.path).parent.name}_{row.slide_id}"))
            if counts[row.slide_id] > 1
            else row
            for row in rows
        )
    )


def read_labels(path: Path) -> dict[str, KnownLabel]:
    """Read a table of slide_id, label and, if it has it, patient_id; names may bear endings.

    Raises:
        ConfigError: It cannot be read or lacks a column.
    """
    table = read_own_table(path, ("slide_id", "label", "patient_id"))
    slides = first_column(table, ["slide_id"], path, "the slide")
    labels = first_column(table, ["label"], path, "the label")
    patients = table["patient_id"].str.strip() if "patient_id" in table else [None] * len(table)
    found: dict[str, KnownLabel] = {}
    for slide, label, patient in zip(slides, labels, patients, strict=True):
        found[slide] = found[Path(slide).stem] = KnownLabel(label, patient or None)
        found.setdefault(slide.partition(".")[0], found[slide])
    return found


def _fit(name: str) -> str:
    """Return a name fit for a file."""
    return _UNFIT.sub("_", name).lstrip("._-") or "slide"
