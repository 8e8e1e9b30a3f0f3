"""The header of a user's own table of folds: read alone, before any job."""

from __future__ import annotations

import csv
from pathlib import Path

from slidesieve.errors import ConfigError

PARTS = ("train", "val", "test")


def is_wide(columns: list[str]) -> bool:
    """Tell whether a table is one fold in CLAM's form: columns train, val, test of slide names."""
    return {"train", "test"} <= set(columns)


def fold_numbers(columns: list[str]) -> list[int]:
    """Return the numbers of the columns fold_0, fold_1, … that a table has, in order."""
    numbers = [name.removeprefix("fold_") for name in columns if name.startswith("fold_")]
    return sorted(int(number) for number in numbers if number.isdecimal())


def count_folds(path: Path) -> int:
    """Return how many folds a file holds.

    Raises:
        ConfigError: The file cannot be read, or holds no folds.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            header = next(csv.reader(file), [])
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"{path}: is no UTF-8 CSV table ({error})"]) from error
    columns = [name.strip() for name in header]
    numbers = fold_numbers(columns)
    if not numbers and is_wide(columns):
        return 1
    if not numbers:
        raise ConfigError(
            [f"{path}: has no column fold_0 (nor the columns train and test of one fold)"]
        )
    if numbers != list(range(len(numbers))):
        listed = ", ".join(f"fold_{number}" for number in numbers)
        raise ConfigError([f"{path}: columns of folds must be fold_0, fold_1, …; found {listed}"])
    return len(numbers)
