"""Which files of a folder make which fold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from slidesieve.errors import ConfigError

Fold = Mapping[str, list[str]]
"""The slides of each part of a fold."""

_PART_FILE = re.compile(r"(?:^|.*[^a-z])(train|val|test)(?:ing|id|idation)?", re.IGNORECASE)
_NUMBERED = re.compile(r".*?(\d+)(?:_bool)?", re.IGNORECASE)
# CLAM writes it beside its splits: how many slides of each class are in each part.
_PASSED_OVER = re.compile(r".*_descriptor", re.IGNORECASE)


def folds_of_files(
    path: Path, fold_of_file: Callable[[Path], Fold], slides_of_part: Callable[[Path], list[str]]
) -> list[Fold]:
    """Read the folds of a folder, or of a pattern of files.

    Args:
        path: A folder, or a pattern whose last part has `*`.
        fold_of_file: Reads a file that holds a whole fold.
        slides_of_part: Reads a file that holds one part of a fold.

    Raises:
        ConfigError: The files do not make folds, or make them in several ways.
    """
    files = sorted(path.glob("*.csv") if path.is_dir() else path.parent.glob(path.name))
    files = [file for file in files if not _PASSED_OVER.fullmatch(file.stem)]
    of_part = [file for file in files if _PART_FILE.fullmatch(file.stem)]
    if of_part:
        return [{part: slides_of_part(file) for part, file in _parts(path, of_part).items()}]
    numbered = [file for file in files if _NUMBERED.fullmatch(file.stem)]
    if numbered:
        return [fold_of_file(file) for file in _in_order(path, _without_doubles(numbered))]
    folders = [] if not path.is_dir() else [f for f in sorted(path.iterdir()) if f.is_dir()]
    if not folders:
        raise ConfigError(
            [
                f"{path}: holds no folds: neither train.csv and test.csv, nor splits_0.csv, …, nor "
                "folders of such files"
            ]
        )
    return [
        fold
        for folder in _in_order(path, folders)
        for fold in folds_of_files(folder, fold_of_file, slides_of_part)
    ]


def _parts(path: Path, files: Iterable[Path]) -> dict[str, Path]:
    """The file of each part, in the order train, val, test."""
    found: dict[str, list[Path]] = defaultdict(list)
    for file in files:
        match = _PART_FILE.fullmatch(file.stem)
        assert match is not None, "files were chosen by this pattern"
        found[match[1].lower()].append(file)
    problems = [
        f"{path}: several files are {part}: {', '.join(file.name for file in several)}; name one "
        "split by a pattern, such as folds.file: folder/name_*.csv"
        for part, several in found.items()
        if len(several) > 1
    ]
    problems += [f"{path}: no file is {part}" for part in ("train", "test") if part not in found]
    if problems:
        raise ConfigError(problems)
    return {part: found[part][0] for part in ("train", "val", "test") if part in found}


def _without_doubles(files: list[Path]) -> list[Path]:
    """Leave out `splits_0_bool.csv` beside `splits_0.csv`, which say the same."""
    stems = {file.stem for file in files}
    return [file for file in files if file.stem.removesuffix("_bool") not in stems - {file.stem}]


def _in_order(path: Path, items: list[Path]) -> list[Path]:
    """Order by the last number in each name, from 0 and without a gap where all have one."""
    numbers = {
        item: re.findall(r"\d+", item.stem if item.is_file() else item.name) for item in items
    }
    if not all(numbers.values()):
        return sorted(items)
    last = {item: int(found[-1]) for item, found in numbers.items()}
    if len(set(last.values())) < len(items):
        listed = ", ".join(item.name for item in items)
        raise ConfigError([f"{path}: several splits have the same number: {listed}"])
    return sorted(items, key=lambda item: last[item])
