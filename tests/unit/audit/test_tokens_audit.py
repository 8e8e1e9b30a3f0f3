"""The audit of tokens files finds what is wrong with them, and says what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from helpers.token_factory import SPECS, features_of, model_of
from slidesieve.audit.tokens import tokens_problems
from slidesieve.inference.token_trace import tokens_fingerprint, trace_slide
from slidesieve.store.features import write_features
from slidesieve.store.tokens import write_tokens

FOLDS = pd.DataFrame(
    {
        "slide_id": ["s1"],
        "patient_id": ["p1"],
        "label": ["a"],
        "fold_0": ["train"],
        "fold_1": ["test"],
    }
)


@pytest.fixture
def sound(tmp_path):
    """Features, weights (any bytes will do) and what DTC made of the features."""
    features, weights = features_of(40), tmp_path / "models/fold_1/weights.safetensors"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"weights")
    write_features(tmp_path / "features/s1.h5", features)
    fingerprint = tokens_fingerprint(features, weights.parent)
    return trace_slide(model_of(SPECS["dtc"]), features, "dtc", 1, fingerprint)


def problems(tmp_path, tokens) -> str:
    path = tmp_path / "dtc/s1.h5"
    write_tokens(path, tokens)
    found = tokens_problems(path, tmp_path / "features/s1.h5", tmp_path / "models", FOLDS)
    return "\n".join(found)


def test_a_sound_file_has_no_problems(tmp_path, sound):
    assert problems(tmp_path, sound) == ""


def changed(table: np.ndarray, place: object, value: float) -> np.ndarray:
    copy = table.copy()
    copy[place] = value
    return copy


def test_another_model_or_fold_is_noticed(tmp_path, sound):
    assert "is of the model of fold 0" in problems(tmp_path, replace(sound, fold=0))
    assert "is about model 'abmil'" in problems(tmp_path, replace(sound, model="abmil"))
    (tmp_path / "models/fold_1/weights.safetensors").write_bytes(b"other weights")
    assert "made from other features or by another model" in problems(tmp_path, sound)


def test_other_tiles_are_noticed(tmp_path, sound):
    moved = replace(sound, coords=sound.coords + 1)
    assert "coords are not those of the features file" in problems(tmp_path, moved)
    attributes = sound.tile_attributes | {"patch_size_level0": 32}
    other = replace(sound, tile_attributes=attributes)
    assert "attributes of coords are not those" in problems(tmp_path, other)


def test_a_wrong_size_place_or_attention_is_noticed(tmp_path, sound):
    sizes = replace(sound, token_size=changed(sound.token_size, 0, 9))
    assert "sizes sum to" in problems(tmp_path, sizes)
    places = replace(sound, token_coords=changed(sound.token_coords, 0, 7))
    assert "1 tokens lie where no tile is" in problems(tmp_path, places)
    attention = replace(sound, attention=sound.attention * 2)
    assert "attention sums to 2, not 1" in problems(tmp_path, attention)
    dropped = np.flatnonzero(sound.final < 0)[0]
    attention = replace(sound, attention=changed(sound.attention, dropped, 0))
    assert "not finite for just the tiles that are left" in problems(tmp_path, attention)


def test_stages_that_do_not_follow_are_noticed(tmp_path, sound):
    first = np.flatnonzero(sound.source[:, 0] < 0)[0]
    risen = replace(sound, source=changed(sound.source, (first, 1), 0))
    assert "stage 2: tiles dropped before are part of a token again" in problems(tmp_path, risen)
    gaps = replace(sound, source=np.where(sound.source > 2, sound.source + 1, sound.source))
    assert "stage 1: tokens are not numbered from 0 without gaps" in problems(tmp_path, gaps)
    together = np.flatnonzero(sound.source[:, 0] == sound.source[sound.merged[:, 0], 0].max())
    torn = replace(sound, group=changed(sound.group, (together[0], 1), 999))
    assert "stage 2: tiles of one token are in different groups" in problems(tmp_path, torn)
    late = replace(sound, importance=changed(sound.importance, (first, 2), 0.5))
    assert "stage 3: tiles dropped before have an importance" in problems(tmp_path, late)
    some = replace(sound, importance=changed(sound.importance, (0, 0), np.nan))
    assert "stage 1: some tokens have an importance" in problems(tmp_path, some)
