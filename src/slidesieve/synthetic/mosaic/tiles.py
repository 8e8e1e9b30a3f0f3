"""A folder of labelled tiles, and its partition into blocks that share no tissue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import ConfigError
from slidesieve.store.tables import read_csv

_ENDINGS = (".jpeg", ".jpg", ".png", ".tif", ".tiff")
ORIENTATIONS = 8
"""Quarter turns of a tile and of its mirror image."""


@dataclass(frozen=True)
class LabelledTile:
    """A tile of known content.

    Attributes:
        path: Its picture.
        label: Its class.
        group: What it was made from. Tiles of one group are copies of each other, more or less,
            so they must not lie on both sides of a fold.
    """

    path: Path
    label: str
    group: str


def read_labelled_tiles(folder: Path) -> list[LabelledTile]:
    """List the tiles of a folder.

    With a `labels.csv` (path, label and, where there are copies, prototype_group), those it
    names; otherwise a folder per label, every tile being a group of its own.

    Raises:
        ConfigError: There are no tiles, a picture is missing, or a group has two labels.
    """
    table = folder / "labels.csv"
    tiles = _listed(folder, table) if table.exists() else _in_folders(folder)
    problems = [f"{tile.path}: no such file" for tile in tiles if not tile.path.exists()]
    label_of: dict[str, str] = {}
    for tile in tiles:
        if label_of.setdefault(tile.group, tile.label) != tile.label:
            problems.append(
                f"group {tile.group} has labels {label_of[tile.group]} and {tile.label}"
            )
    if not tiles:
        problems.append(f"{folder}: no tiles; give labels.csv, or a folder of pictures per label")
    if problems:
        raise ConfigError(problems)
    return tiles


def deal_groups(
    tiles: Iterable[LabelledTile], blocks: int, seed: int
) -> dict[str, list[list[str]]]:
    """Deal the groups of each label to blocks, in random order.

    Returns:
        Label to its groups in each block.

    Raises:
        ConfigError: A label has fewer groups than there are blocks.
    """
    groups_of: dict[str, set[str]] = {}
    for tile in tiles:
        groups_of.setdefault(tile.label, set()).add(tile.group)
    problems = [
        f"label {label} has {len(groups)} groups of tiles for {blocks} blocks"
        for label, groups in sorted(groups_of.items())
        if len(groups) < blocks
    ]
    if problems:
        raise ConfigError(problems)
    rng = np.random.default_rng([seed, 0])
    dealt = {}
    for label, groups in sorted(groups_of.items()):
        order = rng.permutation(sorted(groups)).tolist()
        dealt[label] = [order[block::blocks] for block in range(blocks)]
    return dealt


def read_tile_picture(path: Path, side_px: int) -> NDArray[np.uint8]:
    """Read a tile, resized where it has another size: RGB (side_px, side_px, 3).

    Raises:
        ConfigError: It is no picture.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ConfigError([f"{path}: cannot be read as a picture"])
    if picture.shape[:2] != (side_px, side_px):
        picture = cv2.resize(picture, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def oriented(picture: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Turn a square picture by quarter turns; from the fifth of `ORIENTATIONS` on, mirror it."""
    turned = np.rot90(picture, orientation % 4)
    return turned[:, ::-1] if orientation >= 4 else turned


def of_groups(tiles: Sequence[LabelledTile], groups: Iterable[str]) -> list[LabelledTile]:
    """Return the tiles of some groups."""
    wanted = set(groups)
    return [tile for tile in tiles if tile.group in wanted]


def _listed(folder: Path, table: Path) -> list[LabelledTile]:
    rows = read_csv(table, required=["path", "label"])
    groups = rows["prototype_group"] if "prototype_group" in rows.columns else rows["path"]
    return [
        LabelledTile(folder / path, label, group)
        for path, label, group in zip(rows["path"], rows["label"], groups, strict=True)
    ]


def _in_folders(folder: Path) -> list[LabelledTile]:
    return [
        LabelledTile(path, path.parent.name, path.relative_to(folder).as_posix())
        for path in sorted(folder.glob("*/*"))
        if path.suffix.lower() in _ENDINGS
    ]
