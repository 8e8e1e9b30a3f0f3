"""Truth tiles and their recall against brute force."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slidesieve.errors import ContractError
from slidesieve.selector_diagnostics.truth import (
    TRUTH_SHARE,
    chance_recall,
    read_truth,
    recall,
    truth_tiles,
)


@given(seed=st.integers(0, 1000), tile=st.integers(2, 9), scale=st.sampled_from([1, 4, 16]))
def test_truth_tiles_are_those_covered_by_a_quarter(seed, tile, scale):
    rng = np.random.default_rng(seed)
    mask = rng.random((40, 60)) < rng.choice([0.1, 0.25, 0.5])
    corners = rng.integers(0, [60 - tile, 40 - tile], size=(20, 2))
    place = {
        "level0_width": 60 * scale,
        "level0_height": 40 * scale,
        "patch_size_level0": tile * scale,
    }
    expected = [mask[y : y + tile, x : x + tile].mean() >= TRUTH_SHARE for x, y in corners]
    assert truth_tiles(mask, corners * scale, place).tolist() == expected


def test_tiles_that_reach_over_the_edge_count_what_is_inside():
    mask = np.ones((10, 10), bool)
    place = {"level0_width": 100, "level0_height": 100, "patch_size_level0": 40}
    assert truth_tiles(mask, np.array([[80, 80], [0, 0]]), place).all()


def test_recall_counts_truth_tiles_that_are_kept():
    truth = np.array([True, True, False, True, False])
    kept = np.array([True, False, True, True, False])
    assert recall(kept, truth) == {"recall": pytest.approx(2 / 3), "hit": 1.0}
    assert recall(~truth, truth) == {"recall": 0.0, "hit": 0.0}


def test_chance_is_the_mean_over_all_selections():
    truth = np.isin(np.arange(8), [0, 5])
    found = [
        recall(np.isin(np.arange(8), kept), truth) for kept in itertools.combinations(range(8), 3)
    ]
    expected = {name: np.mean([f[name] for f in found]) for name in ("recall", "hit")}
    assert chance_recall(8, 2, 3) == pytest.approx(expected)


def test_masks_are_read_as_zero_or_not(tmp_path):
    cv2.imwrite(str(tmp_path / "m.png"), np.array([[0, 1], [255, 0]], np.uint8))
    assert read_truth(tmp_path / "m.png").tolist() == [[False, True], [True, False]]
    (tmp_path / "n.png").write_text("no picture")
    with pytest.raises(ContractError, match=r"n\.png: cannot be read as a picture"):
        read_truth(tmp_path / "n.png")
