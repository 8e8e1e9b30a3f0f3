"""A user's own folds, in any of the forms that published splits have.

- A table: slide_id, perhaps patient_id and label, and fold_0, fold_1, … with train, val, test or
  unused in each cell.
- CLAM's `splits_0.csv`: columns train, val and test, names of slides in each cell; or
  `splits_0_bool.csv`: a row per slide, and True in the column of its part.
- Three files as PANTHER's, `train.csv`, `val.csv` and `test.csv`, each with a column slide_id.
- A folder of either, or a pattern with `*`: a fold per `splits_<k>.csv`, or per subfolder.

No library is loaded, for all this is read before any job.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from slidesieve.errors import ConfigError
from slidesieve.sheets.written_tables import read_cells
from slidesieve.splits.split_files import Fold, folds_of_files

PARTS = ("train", "val", "test")
UNUSED = "unused"
_FOLD = re.compile(r"fold_(\d+)", re.IGNORECASE)
_WORDS = {
    **dict.fromkeys(("training",), "train"),
    **dict.fromkeys(("valid", "validation"), "val"),
    **dict.fromkeys(("testing",), "test"),
    **dict.fromkeys(("", "none", "na", "n/a", "nan", "-", "excluded", "exclude"), UNUSED),
}
_ENDINGS = re.compile(
    r"\.(svs|tiff?|ndpi|mrxs|scn|bif|vms|vmu|czi|dcm|zarr|h5|hdf5|pth?)$", re.IGNORECASE
)
_TRUE, _FALSE = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no", "")


@dataclass(frozen=True)
class OwnFolds:
    """Parts of the slides in a user's file.

    Attributes:
        parts: Part of each slide in each fold: train, val, test or unused; a cell that is none of
            these as it stands.
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

    @property
    def unused(self) -> dict[str, list[str]]:
        """Slides in no part, by the name of the fold, of folds that have any."""
        unused = {
            f"fold_{fold}": [slide for slide, parts in self.parts if parts[fold] == UNUSED]
            for fold in range(self.n_folds)
        }
        return {fold: slides for fold, slides in unused.items() if slides}


def read_own_folds(path: Path, slide_ids: Collection[str] = ()) -> OwnFolds:
    """Read folds in any form.

    Args:
        path: A file, a folder, or a pattern of files with `*`.
        slide_ids: The cohort. Names with an ending (`a.svs`) are matched to it. Files that list
            slides by part do not use those that they do not list; a table must have all of them.

    Raises:
        ConfigError: Something cannot be read, or holds no folds.
    """
    if path.is_dir() or "*" in path.name:
        return _from_listed(path, folds_of_files(path, _fold_of_file, _slides_of_part), slide_ids)
    rows = _records(path)
    numbers = sorted(int(match[1]) for name in rows.header if (match := _FOLD.fullmatch(name)))
    if not numbers and {"train", "test"} <= {*rows.header}:
        return _from_listed(path, [_fold_of_file(path)], slide_ids)
    if not numbers:
        raise ConfigError(
            [f"{path}: has no column fold_0, nor the columns train and test of a single fold"]
        )
    if numbers != list(range(len(numbers))):
        listed = ", ".join(f"fold_{number}" for number in numbers)
        raise ConfigError([f"{path}: columns of folds must be fold_0, fold_1, …; found {listed}"])
    if "slide_id" not in rows.header:
        raise ConfigError([f"{path}: column slide_id is missing"])
    name_of = _names(slide_ids)
    named = [(name_of(row["slide_id"]), row) for row in rows.records]
    return OwnFolds(
        [
            (slide, [_part(row[f"fold_{fold}"]) for fold in range(len(numbers))])
            for slide, row in named
        ],
        {
            slide: {name: row[name] for name in ("patient_id", "label") if name in row}
            for slide, row in named
        },
        len(numbers),
    )


@dataclass(frozen=True)
class _Records:
    header: list[str]
    records: list[dict[str, str]]


def _records(path: Path) -> _Records:
    """Rows by column name in small letters; a column without a name is called ""."""
    _, cells = read_cells(path, ("slide_id", "fold_0", *PARTS))
    header, *rows = list(cells.values()) or [[]]
    names = [name.lower() for name in header]
    return _Records(
        names,
        [dict(zip(names, row + [""] * (len(names) - len(row)), strict=False)) for row in rows],
    )


def _part(cell: str) -> str:
    word = cell.strip().lower()
    return _WORDS.get(word, word)


def _fold_of_file(path: Path) -> Fold:
    """One fold in CLAM's form, wide or boolean."""
    rows = _records(path)
    if not {"train", "test"} <= {*rows.header}:
        raise ConfigError([f"{path}: has not the columns train and test of a fold"])
    columns = [part for part in PARTS if part in rows.header]
    cells = {row[part].lower() for row in rows.records for part in columns}
    if cells <= {*_TRUE, *_FALSE} and cells & {*_TRUE}:
        key = "slide_id" if "slide_id" in rows.header else rows.header[0]
        return {
            part: [row[key] for row in rows.records if row[part].lower() in _TRUE]
            for part in columns
        }
    return {part: [row[part] for row in rows.records if row[part]] for part in columns}


def _slides_of_part(path: Path) -> list[str]:
    """The slides that a file of one part lists."""
    rows = _records(path)
    if "slide_id" not in rows.header:
        raise ConfigError([f"{path}: column slide_id is missing"])
    return [row["slide_id"] for row in rows.records]


def _from_listed(path: Path, folds: list[Fold], slide_ids: Collection[str]) -> OwnFolds:
    """Folds of files that list the slides of each part.

    Raises:
        ConfigError: No slide is named, or one is in two parts of a fold.
    """
    name_of = _names(slide_ids)
    part_of = [_part_of(path, number, fold, name_of) for number, fold in enumerate(folds)]
    named = dict.fromkeys(slide for fold in part_of for slide in fold)
    if not named:
        raise ConfigError([f"{path}: names no slide"])
    slides = dict.fromkeys([*named, *slide_ids])
    return OwnFolds(
        [(slide, [fold.get(slide, UNUSED) for fold in part_of]) for slide in slides],
        {},
        len(part_of),
    )


def _part_of(path: Path, number: int, fold: Fold, name_of: Callable[[str], str]) -> dict[str, str]:
    part_of: dict[str, str] = {}
    problems = []
    for part, slides in fold.items():
        for slide in map(name_of, slides):
            if part_of.setdefault(slide, part) != part:
                problems.append(
                    f"{path}: fold {number}: slide {slide} is in {part_of[slide]} and in {part}"
                )
    if problems:
        raise ConfigError(problems)
    return part_of


def _names(slide_ids: Collection[str]) -> Callable[[str], str]:
    """Gives the slide that a name means, with or without the ending of its file."""
    known = frozenset(slide_ids)

    def name_of(name: str) -> str:
        bare = _ENDINGS.sub("", name)
        return bare if name not in known and bare in known else name

    return name_of
