"""Warnings about sample sheets that are allowed, but may be a trap."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from slidesieve.cohort.barcodes import tcga_patient_of
from slidesieve.cohort.slides import Slide

_FORMULA = ("=", "+", "-", "@")
_NAMED = 5


def sheet_warnings(path: Path, slides: Collection[Slide]) -> list[str]:
    """Return one sentence per trap in a sheet.

    Args:
        path: The sheet, for the sentences.
        slides: Its rows.
    """
    warnings = [*_patients_of_two_classes(slides), *_split_tcga_patients(slides)]
    warnings += _formulas(slides)
    return [f"{path}: {warning}" for warning in warnings]


def patients_of_two_classes(slides: Iterable[Slide]) -> dict[str, list[str]]:
    """Classes of each patient whose slides are of several."""
    labels: dict[str, set[str]] = defaultdict(set)
    for slide in slides:
        labels[slide.patient_id].add(slide.label)
    return {patient: sorted(found) for patient, found in labels.items() if len(found) > 1}


def _patients_of_two_classes(slides: Iterable[Slide]) -> Iterator[str]:
    mixed = patients_of_two_classes(slides)
    if mixed:
        listed = _some(f"{patient!r} ({', '.join(labels)})" for patient, labels in mixed.items())
        yield (
            f"{len(mixed)} patient(s) have slides of several classes: {listed}; labels are taken "
            "as those of slides, folds keep the patient's slides together, and there are no "
            "metrics per patient. If a label is meant for the patient, mend the sheet"
        )


def _split_tcga_patients(slides: Iterable[Slide]) -> Iterator[str]:
    """Patients that a TCGA barcode names and the sheet counts as several."""
    patients: dict[str, set[str]] = defaultdict(set)
    for slide in slides:
        barcode = tcga_patient_of(slide.patient_id) or tcga_patient_of(slide.slide_id)
        if barcode:
            patients[barcode].add(slide.patient_id)
    split = {barcode: found for barcode, found in patients.items() if len(found) > 1}
    if split:
        listed = _some(f"{barcode} ({_some(sorted(found))})" for barcode, found in split.items())
        yield (
            f"{len(split)} TCGA patient(s) have several patient_ids: {listed}; their slides may "
            "fall into training and test at once. Write the first 12 characters of the barcode "
            "into patient_id"
        )


def _formulas(slides: Iterable[Slide]) -> Iterator[str]:
    cells = dict.fromkeys(
        cell
        for slide in slides
        for cell in (slide.patient_id, slide.label, str(slide.path or ""))
        if len(cell) > 1 and cell.startswith(_FORMULA)
    )
    if cells:
        yield (
            f"cells such as {_some(map(repr, cells))} are formulas to a spreadsheet; results hold "
            "them as they are, so open tables of sheets that you do not trust as text"
        )


def _some(items: Iterable[str]) -> str:
    """Return the first few items, and how many more there are."""
    items = list(items)
    more = f" and {len(items) - _NAMED} more" if len(items) > _NAMED else ""
    return ", ".join(items[:_NAMED]) + more
