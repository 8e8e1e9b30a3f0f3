"""Tables that people write: CSV files as spreadsheets, R and pandas export them.

Read as meant where that is unambiguous: commas, semicolons, tabs or bars between cells, the line
`sep=;`, comment lines, blank rows, a column of row numbers, a comma at the end of each line,
UTF-16 and byte-order marks.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from slidesieve.errors import ConfigError
from slidesieve.sheets.regular_files import irregularity

SEPARATORS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*\n?", re.IGNORECASE)
_COMMENT = "#"
_UNNAMED = re.compile(r"(Unnamed: \d+)?")  # pandas names columns without a name so
_INVISIBLE = "\ufeff\u200b"


@dataclass(frozen=True)
class WrittenTable:
    """A table as text.

    Attributes:
        header: Names of the columns.
        rows: Cells by column name, by row number as a spreadsheet counts them; blank cells are "".
        separator: Stands between the cells.
        problems: One sentence per row whose cells do not fit the header.
    """

    header: tuple[str, ...]
    rows: Mapping[int, Mapping[str, str]]
    separator: str
    problems: tuple[str, ...]


def read_written_table(path: Path, wanted: Collection[str]) -> WrittenTable:
    """Read a table.

    Args:
        path: The file.
        wanted: Names of columns by which the header and its separator are known.

    Raises:
        ConfigError: The file cannot be read, or is no table.
    """
    separator, cells = read_cells(path, wanted)
    if not cells:
        return WrittenTable((), {}, separator, ())
    first, *_ = cells
    header = cells.pop(first)
    names = _named_columns(path, header, cells)
    return WrittenTable(
        tuple(names.values()),
        {
            number: {
                name: row[column] if column < len(row) else "" for column, name in names.items()
            }
            for number, row in cells.items()
        },
        separator,
        tuple(_misfits(path, len(header), cells, separator)),
    )


def read_cells(path: Path, wanted: Collection[str]) -> tuple[str, dict[int, list[str]]]:
    """Read the separator, and the stripped cells of all rows that say something, by row number.

    The first row is the header. Arguments and errors are those of `read_written_table`.
    """
    text = _read_text(path)
    separator, skipped = _separator(text, wanted), 0
    if line := _SEPARATOR_LINE.match(text):
        text, skipped = text[line.end() :], 1
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=separator != "\t"
    )
    try:
        rows = [[cell.strip().strip(_INVISIBLE).strip() for cell in row] for row in reader]
    except csv.Error as error:
        raise ConfigError([f"{path}: is no UTF-8 CSV table ({error})"]) from error
    return separator, {
        number: row
        for number, row in enumerate(rows, start=1 + skipped)
        if any(row) and not row[0].startswith(_COMMENT)
    }


def _read_text(path: Path) -> str:
    if reason := irregularity(path):
        raise ConfigError([f"{path}: cannot be read ({reason})"])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    if content.startswith(b"PK\x03\x04"):
        raise ConfigError([f"{path}: is a workbook of Excel or the like; export it as CSV UTF-8"])
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            [f"{path}: is no UTF-8 CSV table ({error}); export it as CSV UTF-8"]
        ) from error
    if "\0" in text:
        raise ConfigError([f"{path}: is no UTF-8 CSV table (it holds null characters)"])
    return text


def _separator(text: str, wanted: Collection[str]) -> str:
    """The separator that the file states, or that shows most of the wanted columns."""
    if line := _SEPARATOR_LINE.match(text):
        return line[1]
    header = next(
        (line for line in text.splitlines() if line.strip() and not line.startswith(_COMMENT)), ""
    )

    def shown(separator: str) -> int:
        names = next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])
        return len({name.strip().strip(_INVISIBLE) for name in names} & {*wanted})

    return max(SEPARATORS, key=shown)


def _named_columns(path: Path, header: list[str], rows: Mapping[int, list[str]]) -> dict[int, str]:
    """Names of the columns by place, without blank columns and without row numbers in front.

    Raises:
        ConfigError: A column holds something and has no name.
    """
    named = {}
    for column, name in enumerate(header):
        if not _UNNAMED.fullmatch(name):
            named[column] = name
            continue
        cells = [row[column] for row in rows.values() if column < len(row) and row[column]]
        if cells and not (column == 0 and all(cell.isdecimal() for cell in cells)):
            raise ConfigError(
                [f"{path}: column {column + 1} has no name, but cells such as {cells[0]!r}"]
            )
    return named


def _misfits(
    path: Path, width: int, rows: Mapping[int, list[str]], separator: str
) -> Iterator[str]:
    for number, row in rows.items():
        if any(row[width:]):
            hint = "; put quotes around a cell with a comma in it" if separator == "," else ""
            yield f"{path}, row {number}: has more cells than the header{hint}"
        elif len(row) == 1 < width:
            yield (
                f"{path}, row {number}: has one cell; the header's cells are separated by "
                f"{SEPARATORS.get(separator, repr(separator))}, so these must be, too"
            )
