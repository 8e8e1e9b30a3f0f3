"""The sample sheet: one row per slide.

Tables of spreadsheets, R and pandas are read as they are, see `sheets.written_tables`.

Columns: slide_id, patient_id, label, path; optional mpp (µm per level-0 px; beats the file's own),
site (where the slide was made; a TCGA barcode tells it too),
any `tissue.<parameter>` that overrides the dataset's segmentation for that slide, and any
`meta.<name>`, which SlideSieve ignores. Sheets of ready-made features have no path. Sheets of
slides that are only to be predicted may have no label, and then no patient_id: each slide counts
as a patient.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, StrictFloat, StrictInt, StrictStr
from pydantic.dataclasses import dataclass as settings_dataclass

from slidesieve.cohort.barcodes import tcga_site
from slidesieve.cohort.cells import is_blank, parse_mpp, parse_value
from slidesieve.cohort.sheet_warnings import sheet_warnings
from slidesieve.cohort.slides import NO_LABEL, Slide
from slidesieve.errors import ConfigError
from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT, settings_problems
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.sheets.regular_files import look_at
from slidesieve.sheets.written_tables import SEPARATORS, WrittenTable, read_written_table
from slidesieve.slide.plausible import PLAUSIBLE_MPP

_TISSUE_PREFIX = "tissue."
_META_PREFIX = "meta."


@settings_dataclass(frozen=True, config=STRICT, kw_only=True)
class _Row:
    """The columns of a sheet that have a name of their own."""

    slide_id: StrictStr = Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        # Files of a slide carry its name with up to 30 characters more; file systems stop at 255.
        max_length=200,
        json_schema_extra={
            WORDS: "a name fit for a file: at most 200 letters, digits, '.', '_' and '-', "
            "no sign in front"
        },
    )
    patient_id: StrictStr
    label: StrictStr
    path: StrictStr | None = None
    site: StrictStr | None = None
    mpp: StrictFloat | StrictInt | None = Field(
        default=None,
        ge=PLAUSIBLE_MPP[0],
        le=PLAUSIBLE_MPP[1],
        json_schema_extra={
            WORDS: f"µm per px, a number from {PLAUSIBLE_MPP[0]:g} to {PLAUSIBLE_MPP[1]:g}"
        },
    )


_COLUMNS = ("slide_id", "patient_id", "label", "path", "site", "mpp")
_TEXT_COLUMNS = _COLUMNS[:5]
_REQUIRED = _COLUMNS[:3]
_REQUIRED_UNLABELLED = _COLUMNS[:1]


@dataclass(frozen=True)
class Sheet:
    """Outcome of reading a sample sheet.

    Attributes:
        slides: The rows without a mistake.
        problems: One sentence per mistake.
        n_unread: Number of rows with mistakes.
        warnings: One sentence per thing that is allowed and may be a trap.
    """

    slides: tuple[Slide, ...]
    problems: tuple[str, ...]
    n_unread: int = 0
    warnings: tuple[str, ...] = ()


def read_sheet(
    path: Path,
    classes: Sequence[str],
    needs_path: bool = True,
    slides_dir: Path | None = None,
    needs_label: bool = True,
) -> Sheet:
    """Read a sample sheet and collect all its mistakes.

    Args:
        path: The CSV file.
        classes: The dataset's classes; labels must be among them.
        needs_path: Whether every row must name a slide.
        slides_dir: Folder that relative slide paths start from (default: the working directory).
        needs_label: Whether there must be a column of labels.
    """
    try:
        table = read_written_table(path, _COLUMNS)
    except ConfigError as error:
        return Sheet((), error.problems)
    is_labelled = needs_label or "label" in table.header
    required = _REQUIRED if is_labelled else _REQUIRED_UNLABELLED
    required = (*required, "path") if needs_path else required
    problems = _header_problems(path, table, required)
    if problems or not table.rows:
        return Sheet((), tuple(problems) or (f"{path}: has no rows",))
    problems += table.problems
    cells = {number: _cells(row) for number, row in table.rows.items()}
    mistaken: set[int] = set()
    problems += _missing_cells(path, cells, required, classes, mistaken)
    problems += _unknown_labels(path, cells, classes, mistaken)
    for number, row in cells.items():
        found = _row_problems(row, f"{path}, row {number}")
        problems += found
        mistaken |= {number} if found else set()
    slides = {
        number: _slide(row, slides_dir or Path())
        for number, row in cells.items()
        if number not in mistaken
    }
    problems += _repeated_ids(path, slides)
    repeats, warnings = _repeated_files(path, slides)
    warnings += sheet_warnings(path, slides.values())
    return Sheet(tuple(slides.values()), (*problems, *repeats), len(mistaken), tuple(warnings))


def _header_problems(path: Path, table: WrittenTable, required: Sequence[str]) -> list[str]:
    header = table.header
    separator = SEPARATORS.get(table.separator, repr(table.separator))
    seen = f"; the header, with {separator} between cells, has: {', '.join(header) or 'nothing'}"
    problems = [
        f"{path}: column {name!r} is missing{seen}" for name in required if name not in header
    ]
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


def _cells(row: Mapping[str, str]) -> dict[str, object]:
    """The cells that hold something, numbers and booleans parsed where text is not meant."""
    values: dict[str, object] = {}
    for name, cell in row.items():
        if name in _TEXT_COLUMNS:
            values |= {name: cell} if cell else {}
        elif not is_blank(cell):
            values[name] = parse_mpp(cell) if name == "mpp" else parse_value(cell)
    return values


def _slide(cells: Mapping[str, object], slides_dir: Path) -> Slide:
    slide_id = str(cells["slide_id"])
    patient_id = str(cells.get("patient_id", slide_id))
    return Slide(
        slide_id=slide_id,
        patient_id=patient_id,
        label=str(cells.get("label", NO_LABEL)),
        path=slides_dir / str(cells["path"]) if "path" in cells else None,
        mpp=float(str(cells["mpp"])) if "mpp" in cells else None,
        tissue={
            name.removeprefix(_TISSUE_PREFIX): value
            for name, value in cells.items()
            if name.startswith(_TISSUE_PREFIX)
        },
        site=str(cells.get("site", tcga_site(patient_id) or tcga_site(slide_id))),
    )


def _repeated_ids(path: Path, slides: Mapping[int, Slide]) -> Iterator[str]:
    rows_of: dict[str, list[int]] = defaultdict(list)
    for number, slide in slides.items():
        rows_of[slide.slide_id].append(number)
    for slide_id, rows in rows_of.items():
        if len(rows) > 1:
            yield f"{path}: slide_id {slide_id!r} stands in rows {_join(rows)}; it must be unique"


def _repeated_files(path: Path, slides: Mapping[int, Slide]) -> tuple[list[str], list[str]]:
    """Problems and warnings of slides that are one file, whatever names the sheet has for it.

    Pipes and folders that give no answer are problems, too.
    """
    looks = look_at(slide.path for slide in slides.values() if slide.path is not None)
    rows_of: dict[tuple, list[int]] = defaultdict(list)
    problems, warnings = [], []
    for number, slide in slides.items():
        if slide.path is not None:
            rows_of[looks[slide.path].identity].append(number)
            if reason := looks[slide.path].problem:
                problems.append(f"{path}, row {number}: {slide.path} cannot be used: {reason}")
    for rows in rows_of.values():
        if len(rows) == 1:
            continue
        same = [slides[number] for number in rows]
        names = list(dict.fromkeys(str(slide.path) for slide in same))
        said = f"{path}: the slide {names[0]} stands in rows {_join(rows)}"
        said += f" (also as {', '.join(names[1:])})" if len(names) > 1 else ""
        if same[0].label == NO_LABEL:
            warnings.append(f"{said}; it is predicted as often")
        elif len({(slide.patient_id, slide.label) for slide in same}) > 1:
            problems.append(
                f"{said} under several patients or labels; "
                "the same slide twice would leak between folds"
            )
        else:
            warnings.append(f"{said}; it counts as often in training and in every metric")
    return problems, warnings


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
