"""A user's own folds: a table in our form, or one fold in CLAM's.

Ours has slide_id, patient_id, label and fold_0, fold_1, …, with train, val or test in each cell.
CLAM's `splits_0.csv` has the columns train, val and test, and names of slides in each cell.
Before any job only the number of folds and the tested slides are wanted, and no library is loaded.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from slidesieve.errors import ConfigError

PARTS = ("train", "val", "test")
_FOLD = "fold_"


@dataclass(frozen=True)
class OwnFolds:
    """Parts of the slides in a user's file.

    Attributes:
        parts: Part of each slide in each fold, as it stands in the file but for capitals.
        labels: patient_id and label of each slide, as far as the file has them.
        n_folds: Number of folds.
    """

    parts: list[tuple[str, list[str]]]
    labels: dict[str, dict[str, str]]
    n_folds: int

    @property
    def tested(self) -> frozenset[str]:
        """Slides that some fold tests."""
        return frozenset(slide for slide, parts in self.parts if "test" in parts)


def read_own_folds(path: Path) -> OwnFolds:
    """Read a file of folds in either form.

    Raises:
        ConfigError: The file cannot be read, or holds no folds.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = [[cell.strip() for cell in row] for row in csv.reader(file)]
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror})"]) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f"{path}: is no UTF-8 CSV table ({error})"]) from error
    header, *rows = table or [[]]
    records = [dict(zip(header, row, strict=False)) for row in rows if any(row)]
    numbers = sorted(
        int(name.removeprefix(_FOLD))
        for name in header
        if name.startswith(_FOLD) and name.removeprefix(_FOLD).isdecimal()
    )
    if not numbers and {"train", "test"} <= set(header):
        return _one_fold_of_clam(path, records)
    if not numbers:
        raise ConfigError(
            [f"{path}: has no column fold_0, nor the columns train and test of a single fold"]
        )
    if numbers != list(range(len(numbers))):
        listed = ", ".join(f"{_FOLD}{number}" for number in numbers)
        raise ConfigError([f"{path}: columns of folds must be fold_0, fold_1, …; found {listed}"])
    return _table_of_folds(path, records, len(numbers))


def _table_of_folds(path: Path, records: list[dict[str, str]], n_folds: int) -> OwnFolds:
    if records and "slide_id" not in records[0]:
        raise ConfigError([f"{path}: column slide_id is missing"])
    parts = [
        (row["slide_id"], [row.get(f"{_FOLD}{fold}", "").lower() for fold in range(n_folds)])
        for row in records
    ]
    labels: dict[str, dict[str, str]] = {
        row["slide_id"]: {name: row[name] for name in ("patient_id", "label") if name in row}
        for row in records
    }
    return OwnFolds(parts, labels, n_folds)


def _one_fold_of_clam(path: Path, records: list[dict[str, str]]) -> OwnFolds:
    parts = [(row[part], [part]) for part in PARTS for row in records if row.get(part)]
    if not parts:
        raise ConfigError([f"{path}: names no slide"])
    return OwnFolds(parts, {}, 1)
