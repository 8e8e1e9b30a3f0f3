"""The sample sheet: one row a slide.

Columns: slide_id, patient_id, label, path; optional mpp (µm per level-0 px; beats the file's own),
any `tissue.<parameter>` that overrides the dataset's segmentation for that slide, and any
`meta.<name>`, which SlideSieve ignores. Sheets of ready-made features have no path.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slidesieve.parsing.schema import schema_problems
from slidesieve.parsing.suggestions import did_you_mean

_TEXT_COLUMNS = ("slide_id", "patient_id", "label", "path")
_TISSUE_PREFIX = "tissue."
_META_PREFIX = "meta."


@dataclass(frozen=True)
class Slide:
    """One row of the sample sheet.

    Attributes:
        slide_id: Unique name within the dataset, safe as a file name.
        patient_id: Folds never separate the slides of a patient.
        label: One of the dataset's classes.
        path: The slide, or None in a sheet of ready-made features.
        mpp: µm per level-0 px as the sheet states it, or None.
        tissue: Segmentation parameters this slide overrides.
    """

    slide_id: str
    patient_id: str
    label: str
    path: Path | None = None
    mpp: float | None = None
    tissue: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """What a sample sheet holds, and every mistake in it."""

    slides: tuple[Slide, ...]
    problems: tuple[str, ...]


def read_sheet(
    path: Path,
    schema: Mapping,
    classes: Sequence[str],
    required: Sequence[str] = (),
    slides_dir: Path | None = None,
) -> Sheet:
    """Read a sample sheet and collect all its mistakes.

    Args:
        path: The CSV file.
        schema: JSON schema of a row.
        classes: The dataset's classes; labels must be among them.
        required: Columns needed besides those the schema requires.
        slides_dir: Folder that relative slide paths start from (default: the working directory).
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            # Row 1 is the header, as spreadsheets count.
            rows = dict(enumerate(reader, start=2))
    except OSError as error:
        return Sheet((), (f"{path}: cannot be read ({error.strerror})",))
    except (UnicodeDecodeError, csv.Error) as error:
        return Sheet((), (f"{path}: is no UTF-8 CSV table ({error}); export it as CSV UTF-8",))
    required = (*schema["required"], *required)
    problems = _header_problems(path, header, schema, required)
    if problems or not rows:
        return Sheet((), tuple(problems) or (f"{path}: has no rows",))
    row_schema = {**schema, "required": list(required)}
    slides = {}
    for number, row in rows.items():
        where = f"{path}, row {number}"
        cells = _cells(row)
        found = schema_problems(cells, row_schema, where)
        if row.get(None):
            found.append(f"{where}: has more cells than the header")
        if cells.get("label", classes[0]) not in classes:
            found.append(
                f"{where}: label {cells['label']!r} is not among the classes: {', '.join(classes)}"
            )
        problems += found
        if not found:
            slides[number] = _slide(cells, slides_dir or Path())
    problems += _repeat_problems(path, slides)
    problems += _patient_problems(path, slides.values())
    return Sheet(tuple(slides.values()), tuple(problems))


def _header_problems(
    path: Path, header: Sequence[str], schema: Mapping, required: Sequence[str]
) -> list[str]:
    allowed = list(schema["properties"])
    problems = [f"{path}: column {name!r} is missing" for name in required if name not in header]
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            problems.append(f"{path}: column {name!r} appears {header.count(name)} times")
        elif name not in allowed and not name.startswith((_TISSUE_PREFIX, _META_PREFIX)):
            problems.append(
                f"{path}: unknown column {name!r}; {did_you_mean(name, allowed)}, "
                f"{_TISSUE_PREFIX}<parameter>, {_META_PREFIX}<anything>"
            )
    return problems


def _cells(row: Mapping[str | None, str | None]) -> dict[str, object]:
    """The cells that hold something, numbers and booleans parsed where text is not meant."""
    return {
        name: value.strip() if name in _TEXT_COLUMNS else _parse(value.strip())
        for name, value in row.items()
        if name is not None and value is not None and value.strip()
    }


def _parse(cell: str) -> bool | int | float | str:
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _slide(cells: Mapping[str, object], slides_dir: Path) -> Slide:
    return Slide(
        slide_id=cells["slide_id"],
        patient_id=cells["patient_id"],
        label=cells["label"],
        path=slides_dir / cells["path"] if "path" in cells else None,
        mpp=float(cells["mpp"]) if "mpp" in cells else None,
        tissue={
            name.removeprefix(_TISSUE_PREFIX): value
            for name, value in cells.items()
            if name.startswith(_TISSUE_PREFIX)
        },
    )


def _repeat_problems(path: Path, slides: Mapping[int, Slide]) -> list[str]:
    rows_of_id, rows_of_path = defaultdict(list), defaultdict(list)
    for number, slide in slides.items():
        rows_of_id[slide.slide_id].append(number)
        if slide.path is not None:
            rows_of_path[slide.path].append(number)
    problems = [
        f"{path}: slide_id {slide_id!r} stands in rows {_join(rows)}; it must be unique"
        for slide_id, rows in rows_of_id.items()
        if len(rows) > 1
    ]
    problems += [
        f"{path}: the slide {slide_path} stands in rows {_join(rows)}; "
        "the same slide twice would leak between folds"
        for slide_path, rows in rows_of_path.items()
        if len(rows) > 1
    ]
    return problems


def _patient_problems(path: Path, slides: Iterable[Slide]) -> list[str]:
    labels: dict[str, set[str]] = defaultdict(set)
    for slide in slides:
        labels[slide.patient_id].add(slide.label)
    return [
        f"{path}: patient {patient!r} has slides of {len(found)} classes "
        f"({', '.join(sorted(found))}); a patient must have one label"
        for patient, found in labels.items()
        if len(found) > 1
    ]


def _join(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
