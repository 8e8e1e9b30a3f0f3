"""The sample sheet: one row per slide.

Columns: slide_id, patient_id, label, path; optional mpp (µm per level-0 px; beats the file's own),
any `tissue.<parameter>` that overrides the dataset's segmentation for that slide, and any
`meta.<name>`, which SlideSieve ignores. Sheets of ready-made features have no path.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, StrictFloat, StrictInt, StrictStr
from pydantic.dataclasses import dataclass as settings_dataclass

from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT, settings_problems
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.slide.plausible import PLAUSIBLE_MPP

_TISSUE_PREFIX = "tissue."
_META_PREFIX = "meta."


@settings_dataclass(frozen=True, config=STRICT, kw_only=True)
class _Row:
    """The columns of a sheet that have a name of their own."""

    slide_id: StrictStr = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        json_schema_extra={
            WORDS: "a name fit for a file: letters, digits, '.', '_' and '-', no sign in front"
        },
    )
    patient_id: StrictStr
    label: StrictStr
    path: StrictStr | None = None
    mpp: StrictFloat | StrictInt | None = Field(
        default=None,
        ge=PLAUSIBLE_MPP[0],
        le=PLAUSIBLE_MPP[1],
        json_schema_extra={
            WORDS: f"µm per px, a number from {PLAUSIBLE_MPP[0]:g} to {PLAUSIBLE_MPP[1]:g}"
        },
    )


_COLUMNS = ("slide_id", "patient_id", "label", "path", "mpp")
_TEXT_COLUMNS = _COLUMNS[:4]
_REQUIRED = _COLUMNS[:3]


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
    """Outcome of reading a sample sheet.

    Attributes:
        slides: The rows without a mistake.
        problems: One sentence per mistake.
        n_unread: Number of rows with mistakes.
    """

    slides: tuple[Slide, ...]
    problems: tuple[str, ...]
    n_unread: int = 0


def read_sheet(
    path: Path, classes: Sequence[str], needs_path: bool = True, slides_dir: Path | None = None
) -> Sheet:
    """Read a sample sheet and collect all its mistakes.

    Args:
        path: The CSV file.
        classes: The dataset's classes; labels must be among them.
        needs_path: Whether every row must name a slide.
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
    required = (*_REQUIRED, "path") if needs_path else _REQUIRED
    problems = _header_problems(path, header, required)
    if problems or not rows:
        return Sheet((), tuple(problems) or (f"{path}: has no rows",))
    cells = {number: _cells(row) for number, row in rows.items()}
    mistaken: set[int] = set()
    problems += _missing_cells(path, cells, required, classes, mistaken)
    problems += _unknown_labels(path, cells, classes, mistaken)
    for number, row in cells.items():
        where = f"{path}, row {number}"
        found = _row_problems(row, where)
        if rows[number].get(None):
            found.append(f"{where}: has more cells than the header")
        problems += found
        mistaken |= {number} if found else set()
    slides = {
        number: _slide(row, slides_dir or Path())
        for number, row in cells.items()
        if number not in mistaken
    }
    problems += _repeat_problems(path, slides)
    problems += _patient_problems(path, slides.values())
    return Sheet(tuple(slides.values()), tuple(problems), len(mistaken))


def _header_problems(path: Path, header: Sequence[str], required: Sequence[str]) -> list[str]:
    problems = [f"{path}: column {name!r} is missing" for name in required if name not in header]
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            problems.append(f"{path}: column {name!r} appears {header.count(name)} times")
        elif name not in _COLUMNS and not name.startswith((_TISSUE_PREFIX, _META_PREFIX)):
            problems.append(
                f"{path}: unknown column {name!r}; {did_you_mean(name, _COLUMNS)}, "
                f"{_TISSUE_PREFIX}<parameter>, {_META_PREFIX}<anything>"
            )
    return problems


def _missing_cells(
    path: Path,
    cells: Mapping[int, Mapping[str, object]],
    required: Sequence[str],
    classes: Sequence[str],
    mistaken: set[int],
) -> Iterator[str]:
    """Yield one sentence per column with blank cells; their rows are added to `mistaken`."""
    for column in required:
        rows = [number for number, row in cells.items() if column not in row]
        mistaken.update(rows)
        if rows:
            advice = (
                f"; write one of the classes: {', '.join(classes)}" if column == "label" else ""
            )
            yield f"{path}, {_rows(rows)}: {column} is missing{advice}"


def _unknown_labels(
    path: Path,
    cells: Mapping[int, Mapping[str, object]],
    classes: Sequence[str],
    mistaken: set[int],
) -> Iterator[str]:
    """Yield one sentence per label that is no class; its rows are added to `mistaken`."""
    rows_of: dict[str, list[int]] = defaultdict(list)
    for number, row in cells.items():
        if "label" in row and row["label"] not in classes:
            rows_of[str(row["label"])].append(number)
    for label, rows in rows_of.items():
        mistaken.update(rows)
        hint = did_you_mean(label, classes)
        yield f"{path}, {_rows(rows)}: label {label!r} is not among the classes; {hint}"


def _row_problems(row: Mapping[str, object], where: str) -> list[str]:
    """Mistakes in the cells that hold something."""
    blank = dict.fromkeys(_REQUIRED, "blank")
    return settings_problems(
        _Row, blank | {name: row[name] for name in _COLUMNS if name in row}, where=where
    )


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
        slide_id=str(cells["slide_id"]),
        patient_id=str(cells["patient_id"]),
        label=str(cells["label"]),
        path=slides_dir / str(cells["path"]) if "path" in cells else None,
        mpp=float(str(cells["mpp"])) if "mpp" in cells else None,
        tissue={
            name.removeprefix(_TISSUE_PREFIX): value
            for name, value in cells.items()
            if name.startswith(_TISSUE_PREFIX)
        },
    )


def _repeat_problems(path: Path, slides: Mapping[int, Slide]) -> list[str]:
    rows_of_id: dict[str, list[int]] = defaultdict(list)
    rows_of_path: dict[Path, list[int]] = defaultdict(list)
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


def _rows(numbers: Sequence[int]) -> str:
    """Return "row 5" or "rows 5, 7 to 9"."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    listed = [f"{run[0]} to {run[-1]}" if len(run) > 2 else _join(run) for run in runs]
    return f"row{'s' if len(numbers) > 1 else ''} {', '.join(listed)}"
