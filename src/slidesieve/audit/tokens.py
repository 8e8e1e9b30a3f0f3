"""Audit of tokens files: what became of each tile, against itself, the features and the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.audit.findings import intact_problems, version_problems
from slidesieve.audit.slides import count_strangers
from slidesieve.inference.attention import tested_fold
from slidesieve.inference.token_trace import tokens_fingerprint
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.store.hdf5 import read_stage_version
from slidesieve.store.tokens import TokenSet, read_tokens

_TOLERANCE = 1e-4


def tokens_problems(
    path: Path, features_path: Path, model_folder: Path, folds: pd.DataFrame
) -> Iterator[str]:
    """Problems of a tokens file.

    Args:
        path: The file, `<model>/<slide>.h5`.
        features_path: The features of that slide.
        model_folder: The folder of the model's folds.
        folds: The folds table.
    """
    yield from intact_problems(path)
    tokens, features = read_tokens(path), read_features(features_path)
    yield from version_problems("tokens", read_stage_version(path))
    for name, expected in (("slide_id", path.stem), ("model", path.parent.name)):
        if getattr(tokens, name) != expected:
            yield f"is about {name} {getattr(tokens, name)!r}"
    fold = tested_fold(folds, path.stem)
    if tokens.fold != fold:
        yield f"is of the model of fold {tokens.fold}, but the first that tests the slide is {fold}"
    elif tokens.fingerprint != tokens_fingerprint(features, model_folder / f"fold_{fold}"):
        yield "does not match its fingerprint: made from other features or by another model"
    yield from _neighbour_problems(tokens, features)
    yield from stage_problems(tokens)
    yield from _left_problems(tokens)


def stage_problems(tokens: TokenSet) -> Iterator[str]:
    """Problems of the stages: each must follow from the one before."""
    for stage in range(tokens.n_stages):
        where = f"stage {stage + 1}"
        entered, group = tokens.entered[:, stage], tokens.group[:, stage]
        source, importance = tokens.source[:, stage], tokens.importance[:, stage]
        if ((group >= 0) != (entered >= 0)).any():
            yield f"{where}: tiles dropped before have a group, or others have none"
        if ((source >= 0) & (entered < 0)).any():
            yield f"{where}: tiles dropped before are part of a token again"
        left = np.unique(source[source >= 0])
        if not np.array_equal(left, np.arange(len(left))):
            yield f"{where}: tokens are not numbered from 0 without gaps"
        inside = entered >= 0
        if not _follows(entered[inside], group[inside]):
            yield f"{where}: tiles of one token are in different groups"
        if not _follows(group[inside], source[inside]):
            yield f"{where}: tiles of one group went to different tokens"
        kept = source >= 0
        if not _follows(source[kept], group[kept]):
            yield f"{where}: different groups went to one token"
        if not _follows(entered[inside], importance[inside]):
            yield f"{where}: tiles of one token differ in importance"
        if np.isfinite(importance[~inside]).any():
            yield f"{where}: tiles dropped before have an importance"
        if len({*np.isfinite(importance[inside])}) > 1:
            yield f"{where}: some tokens have an importance and some have none"


def _neighbour_problems(tokens: TokenSet, features: FeatureSet) -> Iterator[str]:
    """Problems between a tokens file and the features it was made from."""
    if len(tokens.coords) != len(features.features):
        yield f"has {len(tokens.coords)} tiles, the features file {len(features.features)} tokens"
    elif not np.array_equal(tokens.coords, features.coords):
        yield "coords are not those of the features file"
    if tokens.tile_attributes != features.tile_attributes:
        yield "attributes of coords are not those of the features file"
    for name in ("status", "reason", "encoder"):
        found, expected = getattr(tokens, name), getattr(features, name)
        if found != expected:
            yield f"{name} is {found!r}, the features file says {expected!r}"


def _left_problems(tokens: TokenSet) -> Iterator[str]:
    """Problems of the tokens that are left against the tiles they are made of."""
    if tokens.n_stages == 0:
        yield "has no stage"
        return
    is_left = tokens.final >= 0
    sizes = np.bincount(tokens.final[is_left], minlength=len(tokens.token_size))
    if not np.array_equal(sizes, tokens.token_size):
        yield (
            f"sizes sum to {tokens.token_size.sum():g} in {len(tokens.token_size)} tokens, "
            f"but {is_left.sum()} tiles are left in {len(np.unique(tokens.final[is_left]))}"
        )
    n_strange = count_strangers(tokens.token_coords, tokens.coords)
    if n_strange:
        yield f"{n_strange} tokens lie where no tile is"
    if not np.array_equal(np.isfinite(tokens.attention), is_left):
        yield "attention is not finite for just the tiles that are left"
    elif is_left.any() and abs(np.nansum(tokens.attention) - 1) > _TOLERANCE:
        yield f"attention sums to {np.nansum(tokens.attention):g}, not 1"


def _follows(keys: NDArray, values: NDArray) -> bool:
    """Whether equal keys always have equal values; NaN equals NaN."""
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    return np.array_equal(values, values[first][place], equal_nan=values.dtype.kind == "f")
