"""Overlays lie where tiles, tokens and tissue lie."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from shapely.geometry import MultiPolygon, Point, box

from helpers.token_factory import SPECS, tokens_of
from slidesieve.errors import ContractError
from slidesieve.figures.tokens.tile_outcomes import MERGED, PRUNED, outcomes_of
from slidesieve.slide.bounds import Bounds
from slidesieve.store.tile_records import TileSet
from slidesieve.tissue.result import TissueResult
from slidesieve.viewer.overlays import (
    tiles_overlay,
    tissue_overlay,
    tokens_overlay,
    truth_overlay,
)

WHOLE = Bounds(0, 0, 640, 640)
SCANNED = Bounds(30, 20, 500, 400)


def test_tiles_are_counted_from_the_scanned_area():
    tokens = tokens_of("none", 20)
    found = tokens_overlay(tokens, SCANNED)
    assert found["corners"] == (tokens.coords - [30, 20]).tolist()
    assert found["side"] == 64


def test_a_slide_without_tiles_has_an_overlay_all_the_same():
    empty = TileSet("s", np.empty((0, 2), np.int64), None, status="empty", reason="no tissue")
    assert tiles_overlay(empty, WHOLE) == {"corners": [], "side": 0}


@pytest.mark.parametrize("reducer", ["dtc", "sparselearn", "none"])
def test_outcomes_and_attention_are_those_of_the_tokens(reducer):
    tokens = tokens_of(SPECS[reducer], 40)
    found = tokens_overlay(tokens, WHOLE)
    outcome = outcomes_of(tokens).outcome
    assert found["outcome"] == outcome.tolist()
    attention = np.array(found["attention"], dtype=float)
    left = outcome != PRUNED
    assert np.array_equal(np.isfinite(attention), left)
    assert np.nanmean(attention) == pytest.approx(1, abs=1e-3)
    assert [colour is not None for colour in found["colour"]] == (outcome == MERGED).tolist()


def test_tiles_of_one_token_have_one_colour():
    tokens = tokens_of(SPECS["dtc"], 40)
    found = tokens_overlay(tokens, WHOLE)
    of_token = {}
    for token, colour in zip(tokens.final.tolist(), found["colour"], strict=True):
        if colour is not None:
            of_token.setdefault(token, set()).add(colour)
    assert of_token
    assert all(len(colours) == 1 for colours in of_token.values())


def test_holes_of_tissue_are_outlined_too():
    ring = box(100, 100, 300, 300) - Point(200, 200).buffer(20)
    tissue = TissueResult(slide_id="s", tissue=MultiPolygon([ring]))
    outer, hole = tissue_overlay(tissue, SCANNED)["rings"]
    assert {tuple(place) for place in outer} == {(70, 80), (70, 280), (270, 80), (270, 280)}
    assert all(149 <= x <= 191 for x, _ in hole)


def test_truth_is_transparent_where_there_is_no_lesion(tmp_path):
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 30:50] = 1
    path = tmp_path / "s.png"
    cv2.imwrite(str(path), mask)
    picture = cv2.imdecode(np.frombuffer(truth_overlay(path), np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(picture[..., 3] > 0, mask > 0)


def test_a_mask_that_is_no_picture_is_named(tmp_path):
    (tmp_path / "s.png").write_text("no picture")
    with pytest.raises(ContractError, match=r"s\.png"):
        truth_overlay(tmp_path / "s.png")
