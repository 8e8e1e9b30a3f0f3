"""The pitch of a slide's grid, stated by its file or told by its tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slidesieve.store.pitch import UNKNOWN, inferred_pitch, stated_pitch


@given(
    st.floats(20, 2100),
    st.integers(2, 300),
    st.integers(2, 200),
    st.sampled_from([1.0, 0.3, 0.02]),
    st.integers(0, 2**32 - 1),
)
def test_the_inferred_pitch_puts_every_tile_in_its_cell(step, columns, rows, density, seed):
    rng = np.random.default_rng(seed)
    cells = np.argwhere(rng.random((rows, columns)) < density)
    # The method needs two tiles that are neighbours in a row or column.
    cells = np.concatenate([cells, [[0, 0], [0, 1]]])
    place = cells[:, ::-1]
    coords = np.floor(place * step + 0.5).astype(np.int64) + rng.integers(0, 5000, size=2)
    pitch = inferred_pitch(coords)
    found = np.round((coords - coords.min(axis=0)) / pitch)
    np.testing.assert_array_equal(found, place - place.min(axis=0))


@pytest.mark.parametrize(
    ("coords", "pitch"),
    [
        ([[5, 5]], 1.0),
        ([[0, 0]] * 7, UNKNOWN),
        ([[0, 0], [0, 0], [512, 0]], 512.0),
        ([[100, 7], [100, 263], [100, 519]], 256.0),
        ([[0, 0], [254, 0], [255, 1], [508, 0]], 254.0),
    ],
)
def test_few_tiles(coords, pitch):
    assert inferred_pitch(np.array(coords)) == pytest.approx(pitch, abs=0.6)


@pytest.mark.parametrize(
    ("attributes", "pitch"),
    [
        ({"step_level0": 507.98, "patch_size": 256}, 507.98),
        ({"patch_size": 256, "patch_size_level0": 512, "overlap": 0}, 512),
        ({"patch_size": 256, "patch_size_level0": 508, "overlap": 64}, 381),
        ({"patch_size": 256, "patch_level": 1, "downsample": np.array([4.0, 4.0])}, 1024),
        ({"patch_size": 256}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_what_files_state(attributes, pitch):
    assert stated_pitch(attributes) == pytest.approx(pitch)
