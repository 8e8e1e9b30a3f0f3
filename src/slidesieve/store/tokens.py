"""The tokens file: what became of every tile of a slide in a model's reducer, stage by stage.

Row i of `coords`, `source`, `group`, `importance`, `kept`, `merged`, `pruned` and `attention` is
tile i of the features file; column t is stage t. Row j of `token_coords` and `token_size` is token
j of those that are left in the end, which the last column of `source` points to.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import ContractError
from slidesieve.stages import STAGES
from slidesieve.store import hdf5


@dataclass(frozen=True)
class TokenSet:
    """N tiles, T stages of a reducer, and the M tokens that are left.

    Attributes:
        slide_id: The slide.
        encoder: Name of the encoder of its features.
        model: Name of the model in the config.
        fold: The fold whose model this was: the first that keeps this slide for testing.
        coords: (N, 2) int64, top-left corners of the tiles, level-0 px.
        source: (N, T) int64, the token each tile is part of after each stage, counted from 0 in
            the order of that stage's tokens; −1 once it is dropped.
        group: (N, T) int64, which tiles were one token after a stage's merging and before its
            pruning: those of equal number; −1 where dropped in an earlier stage.
        importance: (N, T) float32, what the reducer ranked the tile's token by when the stage
            began, on the reducer's own scale; NaN where it was dropped before or nothing ranks.
        attention: (N,) float32, the aggregator's weight of the tile's token, shared equally by
            its tiles; sums to 1; NaN where dropped.
        token_coords: (M, 2) int64, place of each token: the top-left corner of one tile.
        token_size: (M,) float32, number of tiles in each token.
        status: "ok", "empty" or "failed", that of the features.
        reason: Why not ok.
        fingerprint: Of the features and the model.
        tile_attributes: Attributes of `coords`, those of the tiles file.
    """

    slide_id: str
    encoder: str
    model: str
    fold: int
    coords: NDArray[np.int64]
    source: NDArray[np.int64]
    group: NDArray[np.int64]
    importance: NDArray[np.float32]
    attention: NDArray[np.float32]
    token_coords: NDArray[np.int64]
    token_size: NDArray[np.float32]
    status: str = "ok"
    reason: str = ""
    fingerprint: str = ""
    tile_attributes: dict[str, object] = field(default_factory=dict)

    @property
    def n_stages(self) -> int:
        """T."""
        return self.source.shape[1]

    @cached_property
    def entered(self) -> NDArray[np.int64]:
        """(N, T) the token each tile is part of when a stage begins; −1 once it is dropped."""
        tiles = np.arange(len(self.source))[:, None]
        return np.concatenate([tiles, self.source], axis=1)[:, : self.n_stages]

    @property
    def kept(self) -> NDArray[np.bool_]:
        """(N, T) whether the tile's token left the stage, alone or merged."""
        return self.source >= 0

    @property
    def pruned(self) -> NDArray[np.bool_]:
        """(N, T) whether the tile's token was dropped in this very stage."""
        return (self.entered >= 0) & (self.source < 0)

    @cached_property
    def merged(self) -> NDArray[np.bool_]:
        """(N, T) whether the tile's token merged with another in this very stage."""
        columns = zip(self.entered.T, self.group.T, strict=True)
        merged = [_shares_group(entered, group) for entered, group in columns]
        return np.array(merged, dtype=bool).reshape(self.n_stages, len(self.source)).T

    @property
    def final(self) -> NDArray[np.int64]:
        """(N,) row of the token each tile ended in, −1 if it was dropped."""
        return self.source[:, -1]


_HEADER = ("slide_id", "encoder", "model", "fold", "status", "reason", "fingerprint")
_TABLES = tuple(
    field.name for field in fields(TokenSet) if field.name not in (*_HEADER, "tile_attributes")
)
# They follow from the tables; the file has them for whoever opens it without SlideSieve.
DERIVED = ("kept", "merged", "pruned")


def write_tokens(path: Path, tokens: TokenSet) -> None:
    """Write a slide's tokens; a slide without any is a valid file with N = 0 and its status."""
    attributes = {name: getattr(tokens, name) for name in _HEADER}
    attributes["stage_version"] = STAGES["tokens"]
    with hdf5.create(path, attributes) as file:
        for name in (*_TABLES, *DERIVED):
            hdf5.write_rows(file, name, getattr(tokens, name))
        hdf5.set_attributes(file["coords"], tokens.tile_attributes)


def read_tokens(path: Path) -> TokenSet:
    """Read a tokens file.

    Raises:
        ContractError: The file is no tokens file, its tables do not fit one another, or what it
            says was kept, merged and pruned is not what its sources and groups say.
    """
    with hdf5.open_read(path) as file:
        missing = [name for name in (*_TABLES, *DERIVED) if name not in file]
        missing += [f"@{name}" for name in _HEADER if name not in file.attrs]
        if missing:
            raise ContractError(f"{path}: not a tokens file (no {', '.join(missing)})")
        header = hdf5.plain_attributes(file)
        tables = {name: file[name][()] for name in _TABLES}
        derived = {name: file[name][()] for name in DERIVED}
        tile_attributes = hdf5.plain_attributes(file["coords"])
    _check_shapes(path, tables)
    tokens = TokenSet(
        **{name: header[name] for name in _HEADER}, **tables, tile_attributes=tile_attributes
    )
    for name, stored in derived.items():
        if not np.array_equal(stored, getattr(tokens, name)):
            raise ContractError(f"{path}: {name} is not what source and group say")
    return tokens


def _check_shapes(path: Path, tables: dict[str, NDArray]) -> None:
    n_tiles, n_tokens = len(tables["coords"]), len(tables["token_size"])
    n_stages = tables["source"].shape[-1]
    expected = {
        "coords": (n_tiles, 2),
        "source": (n_tiles, n_stages),
        "group": (n_tiles, n_stages),
        "importance": (n_tiles, n_stages),
        "attention": (n_tiles,),
        "token_coords": (n_tokens, 2),
        "token_size": (n_tokens,),
    }
    for name, shape in expected.items():
        if tables[name].shape != shape:
            raise ContractError(f"{path}: {name} is {tables[name].shape}, expected {shape}")


def _shares_group(entered: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (N,) whether the group of each tile's token has another token."""
    inside = group >= 0
    pairs = np.unique(np.stack([group[inside], entered[inside]]), axis=1)
    n_tokens = np.bincount(pairs[0], minlength=group.max(initial=0) + 1)
    return inside & (n_tokens[np.maximum(group, 0)] > 1)
