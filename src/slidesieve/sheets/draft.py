"""A sample sheet in the making: the rows that will do, and why the others will not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from slidesieve.errors import ConfigError
from slidesieve.sheets.written_tables import read_written_table

COLUMNS = ("slide_id", "patient_id", "label", "path")


@dataclass(frozen=True)
class SheetRow:
    """One slide.

    Attributes:
        slide_id: Name of the slide, from its file's.
        patient_id: Whose it is.
        label: Its class.
        path: Where it lies, from the folder of slides.
        meta: Columns that SlideSieve ignores, by name without "meta.".
    """

    slide_id: str
    patient_id: str
    label: str
    path: str
    meta: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SheetDraft:
    """Rows, and (slide, reason) of what was left out."""

    rows: tuple[SheetRow, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def without(self, reasons: dict[int, str]) -> SheetDraft:
        """Leave out rows by their position, each with its reason."""
        return SheetDraft(
            tuple(row for number, row in enumerate(self.rows) if number not in reasons),
            (*self.left_out, *((self.rows[number].path, why) for number, why in reasons.items())),
        )

    def table(self) -> pd.DataFrame:
        """The sample sheet, sorted by slide."""
        records = [
            {name: getattr(row, name) for name in COLUMNS}
            | {f"meta.{name}": value for name, value in row.meta.items()}
            for row in sorted(self.rows, key=lambda row: row.slide_id)
        ]
        return pd.DataFrame(records, columns=list(COLUMNS) if not records else None)

    def summary(self) -> list[str]:
        """Counts of slides and patients by class, and of what was left out by reason."""
        patients: dict[str, set[str]] = defaultdict(set)
        for row in self.rows:
            patients[row.label].add(row.patient_id)
        slides = Counter(row.label for row in self.rows)
        lines = [
            f"{label}: {slides[label]} slides of {len(patients[label])} patients"
            for label in sorted(slides)
        ]
        reasons = Counter(why for _, why in self.left_out)
        lines += [f"left out, {why}: {count}" for why, count in reasons.most_common()]
        return lines


def drop_repeats(draft: SheetDraft, key: Callable[[SheetRow], str], why: str) -> SheetDraft:
    """Keep the first row of each key."""
    seen: set[str] = set()
    repeats = {}
    for number, row in enumerate(draft.rows):
        if key(row) in seen:
            repeats[number] = why
        seen.add(key(row))
    return draft.without(repeats)


def drop_patients_of_several_classes(draft: SheetDraft) -> SheetDraft:
    """Leave out patients whose slides bear different labels: folds cannot place them."""
    labels: dict[str, set[str]] = defaultdict(set)
    for row in draft.rows:
        labels[row.patient_id].add(row.label)
    return draft.without(
        {
            number: f"patient in {' and '.join(sorted(labels[row.patient_id]))}"
            for number, row in enumerate(draft.rows)
            if len(labels[row.patient_id]) > 1
        }
    )


def drop_missing(draft: SheetDraft, slides_dir: Path) -> SheetDraft:
    """Leave out rows whose file is not there, looking beside its folder of one file as well."""
    rows, missing = [], {}
    for number, row in enumerate(draft.rows):
        places = (row.path, Path(row.path).name)
        found = next((place for place in places if (slides_dir / place).exists()), None)
        rows.append(row if found is None else replace(row, path=found))
        if found is None:
            missing[number] = "file missing"
    return SheetDraft(tuple(rows), draft.left_out).without(missing)


def read_table(path: Path, separator: str) -> pd.DataFrame:
    """Read a table, all cells as text.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        return pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise ConfigError([f"{path}: cannot be read as a table ({error})"]) from error


def read_own_table(path: Path, wanted: Sequence[str]) -> pd.DataFrame:
    """Read a table that a person wrote, all cells as text, see `read_written_table`.

    Raises:
        ConfigError: It cannot be read.
    """
    table = read_written_table(path, wanted)
    if table.problems:
        raise ConfigError(table.problems)
    return pd.DataFrame(list(table.rows.values()), columns=list(table.header), dtype=str)


def first_column(table: pd.DataFrame, names: Sequence[str], path: Path, what: str) -> pd.Series:
    """Return the first of several columns that a table has.

    Raises:
        ConfigError: It has none of them.
    """
    for name in names:
        if name in table:
            return table[name].str.strip()
    raise ConfigError([f"{path}: no column for {what}; expected {_listed(names)}"])


def _listed(names: Iterable[str]) -> str:
    return " or ".join(repr(name) for name in names)
