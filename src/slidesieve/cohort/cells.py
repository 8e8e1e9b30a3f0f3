"""Cells of a sample sheet as values: numbers as people spell them, and units."""

from __future__ import annotations

import re

# How R, pandas, spreadsheets and people write that nothing is known.
_NOTHING = frozenset(
    ("", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "nil", "-", "--", "?", "unknown")
)
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
# µ is a letter of its own (U+00B5) beside the Greek one (U+03BC).
_MPP = re.compile(
    r"(?P<number>[-+.,\de]+?)\s*"
    r"(?P<unit>µm|μm|um|microns?|micromet(er|re)s?|nm|mpp)?(\s*(/|per)\s*(px|pixels?))?",
    re.IGNORECASE | re.ASCII,
)


def is_blank(cell: str) -> bool:
    """Whether a cell of a number says that nothing is known, as NA, NaN and null do."""
    return cell.lower() in _NOTHING


def parse_mpp(cell: str) -> float | str:
    """Return µm per px as a number; the cell itself where it is none.

    Understood are a decimal comma, and the units µm, um, microns, nm, mpp, per pixel or not.
    """
    match = _MPP.fullmatch(cell)
    number = parse_number(match["number"]) if match else cell
    if match is None or isinstance(number, str):
        return cell
    return number / 1000 if (match["unit"] or "").lower() == "nm" else float(number)


def parse_value(cell: str) -> bool | int | float | str:
    """Return a cell as a boolean or a number where it is one."""
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    return parse_number(cell)


def parse_number(cell: str) -> int | float | str:
    """Return a number with a point or a comma for decimals; the cell itself where it is none.

    Python's own spellings (`0_5`, `inf`, `nan`) are no numbers to a reader of a sheet.
    """
    if not _NUMBER.fullmatch(cell):
        return cell
    number = cell.replace(",", ".")
    return float(number) if set(number.lower()) & {".", "e"} else int(number)
