"""Features in a CSV with a header, a row per tile, as SlideChat and DSMIL write them.

The columns from the left that hold numbers are the features, up to one that is named as a place or
holds text: SlideChat's readers take the first 512, and what follows is a name or a place. Columns
`x` and `y` (or `coord_x`, `coord_y`) are the tiles' corners.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.errors import ContractError

_PLACES = (("x", "y"), ("coord_x", "coord_y"))
_NOT_FEATURES = {*(name for pair in _PLACES for name in pair), "label", "position", "patch", "name"}


def read_feature_csv(path: Path) -> tuple[NDArray, NDArray | None]:
    """Read features (N, D) and, where the file has them, coords (N, 2), as they stand.

    Raises:
        ContractError: The file cannot be read, has no header, or no leading columns of numbers.
    """
    try:
        table = pd.read_csv(path, encoding="utf-8-sig")
    except (OSError, ValueError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ContractError(f"{path}: cannot be read as a table of features ({error})") from error
    names = [str(name).strip().lower() for name in table.columns]
    width = 0
    for name, kind in zip(names, table.dtypes, strict=True):
        if name in _NOT_FEATURES or kind.kind not in "iuf":
            break
        width += 1
    if width == 0:
        raise ContractError(
            f"{path}: its first column, {table.columns[0]!r}, holds no features; columns of "
            "features come first, each with a heading"
        )
    if _is_value(names[0]):
        raise ContractError(f"{path}: its first line holds values; it must be a line of headings")
    table.columns = pd.Index(names)
    pair = next((list(pair) for pair in _PLACES if set(pair) <= set(names)), None)
    features = table.iloc[:, :width].to_numpy(np.float32)
    return features, None if pair is None else table[pair].to_numpy()


def _is_value(heading: str) -> bool:
    """Whether a heading is a number that counts nothing: 0 to 511 are headings, 0.0137 is none."""
    try:
        return not float(heading).is_integer()
    except ValueError:
        return False
