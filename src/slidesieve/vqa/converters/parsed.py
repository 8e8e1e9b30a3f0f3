"""Rows of CSV tables and records of JSON files, as text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from typing import Any

from slidesieve.errors import ConfigError

_MOST_PROBLEMS = 10


def csv_rows(text: str, required: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number (the header is row 1) and cells of each row; no cell is stripped.

    Raises:
        ConfigError: The text is no table, a required column is missing, or a row has too many
            cells.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="", strict=True)
    try:
        header, rows = reader.fieldnames or [], list(reader)
    except csv.Error as error:
        raise ConfigError([f"is no CSV table ({error})"]) from error
    if missing := [name for name in required if name not in header]:
        found = ", ".join(filter(None, header)) or "nothing"
        raise ConfigError([f"column {name!r} is missing (found: {found})" for name in missing])
    # Cells without a column stand under the key None.
    long = [number for number, row in enumerate(rows, start=2) if None in row]
    if long:
        listed = ", ".join(map(str, long[:_MOST_PROBLEMS]))
        raise ConfigError([f"row {listed}: more cells than the header has ({len(header)})"])
    yield from enumerate(rows, start=2)


def json_records(text: str, required: Collection[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield number, from 1, and content of each record of a JSON list.

    Raises:
        ConfigError: The text is no list of records, or records lack a required key.
    """
    try:
        records = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError([f"is no JSON file ({error})"]) from error
    if not isinstance(records, list) or not all(isinstance(item, dict) for item in records):
        raise ConfigError(["must be a JSON list of records"])
    problems = [
        f"record {number}: {name!r} is missing"
        for number, record in enumerate(records, start=1)
        for name in required
        if name not in record
    ]
    if problems:
        raise ConfigError(problems[:_MOST_PROBLEMS])
    yield from enumerate(records, start=1)
