"""Pictures of tokens: every colour lies where its tile lies, and says what became of it."""

from __future__ import annotations

import json
import uuid
from itertools import pairwise

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from PIL import Image

from helpers.token_factory import SPECS, tokens_of
from slidesieve.figures.slide_view import view_slide
from slidesieve.figures.tile_raster import edges, tile_raster
from slidesieve.figures.tokens.group_colours import group_colours
from slidesieve.figures.tokens.pictures import TokenPainter, merge_groups
from slidesieve.figures.tokens.qupath import write_token_geojson
from slidesieve.figures.tokens.samples import kept_samples, merged_samples, pruned_samples
from slidesieve.figures.tokens.slide_pages import write_token_grid, write_token_pages
from slidesieve.figures.tokens.tile_outcomes import (
    KEPT,
    MERGED,
    OUTCOME_COLOURS,
    OUTCOMES,
    PRUNED,
    outcomes_in_stage,
    outcomes_of,
)
from slidesieve.paper_tables.sweeps import k_sweeps
from slidesieve.store.geojson import Origin
from slidesieve.store.tiles import spec_from_attributes

SIDE = 64
GREEN = np.round(np.array(to_rgb(OUTCOME_COLOURS[KEPT])) * 255)
VERMILION = np.array(to_rgb(OUTCOME_COLOURS[PRUNED])) * 255


@pytest.fixture
def tokens():
    return tokens_of(SPECS["dtc"], 40)


@pytest.fixture
def painted(make_slide, tokens):
    """A slide whose every tile has a colour of its own, its tokens, and their painter."""
    attributes = tokens.tile_attributes
    rgb = np.full((attributes["level0_height"], attributes["level0_width"], 3), 240, np.uint8)
    for number, (x, y) in enumerate(tokens.coords.tolist()):
        rgb[y : y + SIDE, x : x + SIDE] = (120 + 3 * number, 40, 160 - 3 * number)
    spec = spec_from_attributes(attributes)
    path = make_slide(rgb)
    view = view_slide(path, spec, tokens.coords, range(40), longest_side_px=max(rgb.shape))
    return path, rgb, view, TokenPainter(view.overview, spec, tokens, outcomes_of(tokens))


def inside(picture: np.ndarray, corner: np.ndarray, margin: int = 8) -> np.ndarray:
    """The px of a tile but for its frame, on a picture of the scale of level 0."""
    x, y = corner + margin
    return picture[y : y + SIDE - 2 * margin, x : x + SIDE - 2 * margin].astype(float)


def test_all_three_outcomes_occur_in_these_tests(tokens):
    assert set(outcomes_of(tokens).outcome) == {KEPT, MERGED, PRUNED}


def test_each_tile_is_painted_by_its_outcome_and_nothing_else_is(painted, tokens):
    _, _, view, painter = painted
    picture, original = painter.tokens_left(), view.overview.rgb
    outcomes = painter.outcomes
    on_tiles = np.zeros(picture.shape[:2], dtype=bool)
    for row, corner in enumerate(tokens.coords):
        x, y = corner
        on_tiles[y : y + SIDE, x : x + SIDE] = True
        tile = inside(picture, corner)
        if outcomes.outcome[row] == KEPT:
            np.testing.assert_array_equal(tile, inside(original, corner))
            np.testing.assert_array_equal(picture[y, x : x + SIDE], np.tile(GREEN, (SIDE, 1)))
            np.testing.assert_array_equal(picture[y + SIDE - 1, x], GREEN)
        elif outcomes.outcome[row] == MERGED:
            colour = painter.colour_of_group[painter.group_of_tile[row]]
            ground = inside(original, corner).mean(axis=2, keepdims=True)
            expected = 0.4 * (0.35 * 255 + 0.65 * ground) + 0.6 * colour
            np.testing.assert_allclose(tile, np.broadcast_to(expected, tile.shape), atol=1.5)
        else:
            warm = tile[..., 0] - tile[..., 2] > 40
            assert 0.1 < warm.mean() < 0.4  # hatched
            assert np.ptp(tile[~warm], axis=1).max() == 0  # grey between the lines
    assert np.ptp(picture[~on_tiles].astype(int), axis=1).max() == 0


def test_tiles_of_one_token_have_one_colour_and_no_line_between_them(painted, tokens):
    _, _, _, painter = painted
    picture = painter.tokens_left().astype(int)
    groups = painter.group_of_tile
    seams = 0
    for a, b in pairwise(range(40)):
        x, y = tokens.coords[b]
        if tokens.coords[a][1] != y or painter.outcomes.outcome[a] != MERGED:
            continue
        dark = picture[y + 20 : y + 40, x - 1].max() < 60
        assert dark == (groups[a] != groups[b]), (a, b)
        seams += groups[a] == groups[b]
    assert seams > 0


def test_a_stage_shows_who_merged_was_pruned_or_gone(painted, tokens):
    _, _, _, painter = painted
    for stage in range(3):
        picture = painter.stage(stage)
        for row, outcome in enumerate(outcomes_in_stage(tokens, stage)):
            hue = inside(picture, tokens.coords[row]).mean(axis=(0, 1))
            if outcome < 0:
                assert np.ptp(hue) == 0
            else:
                wanted = np.array(to_rgb(OUTCOME_COLOURS[outcome]))
                assert hue.argmax() == wanted.argmax()


@settings(max_examples=30)
@given(downsample=st.floats(1.0, 20.0), n_tiles=st.integers(1, 30))
def test_a_pixel_belongs_to_the_tile_its_centre_lies_in(downsample, n_tiles):
    row, column = np.divmod(np.arange(n_tiles), 6)
    coords = np.stack([column, row], axis=1) * 150 + 70
    raster = tile_raster((80, 90), downsample, coords, 150)
    y, x = ((np.indices((80, 90)) + 0.5) * downsample).reshape(2, -1)
    expected = np.full(80 * 90, -1)
    for index, (left, top) in enumerate(coords):
        expected[(x >= left) & (x < left + 150) & (y >= top) & (y < top + 150)] = index
    np.testing.assert_array_equal(raster.ravel(), expected)


def test_edges_run_along_changes_of_label_only():
    labels = np.full((6, 8), -1)
    labels[1:5, 1:4], labels[1:5, 4:7] = 3, 5
    found = edges(labels, 1)
    assert found[2].tolist() == [False, True, False, True, True, False, True, False]
    assert not found[0].any()


@settings(max_examples=20)
@given(n_groups=st.integers(2, 400), seed=st.integers(0, 9))
def test_groups_have_colours_of_their_own_and_neighbours_differ_clearly(n_groups, seed):
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(2 * n_groups), 25)
    coords = np.stack([column, row], axis=1) * 256
    group = rng.permutation(np.arange(2 * n_groups) // 2)
    colours = group_colours(group, coords, 256.0)
    assert len(np.unique(colours, axis=0)) == n_groups
    lab = cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0][group]
    for a, b in pairwise(range(2 * n_groups)):
        if group[a] != group[b] and row[a] == row[b]:
            assert np.linalg.norm(lab[a] - lab[b]) > 12


def test_galleries_show_greatest_first_largest_first_and_an_even_choice(tokens):
    outcomes = outcomes_of(tokens)
    kept = [sample.rows[0] for sample in kept_samples(outcomes, 5)]
    weights = outcomes.weight[kept]
    assert (np.diff(weights) <= 0).all()
    assert weights[0] == outcomes.weight[outcomes.outcome == KEPT].max()
    merged = merged_samples(outcomes, merge_groups(tokens, outcomes), 3, most_tiles=8)
    sizes = [len(sample.rows) for sample in merged]
    assert sizes == sorted(tokens.token_size.astype(int), reverse=True)[:3]
    for sample in merged:
        assert len(set(tokens.final[list(sample.rows)])) == 1
    pruned = [sample.rows[0] for sample in pruned_samples(outcomes, 4)]
    of_all = outcomes.weight[outcomes.outcome == PRUNED]
    assert (outcomes.weight[pruned[0]], outcomes.weight[pruned[-1]]) == (of_all.min(), of_all.max())


def test_the_gallery_shows_the_tiles_own_pixels(painted, tokens, tmp_path):
    path, rgb, _, _ = painted
    write_token_pages(tmp_path / "map.png", tmp_path / "gallery.png", path, tokens)
    page = np.asarray(Image.open(tmp_path / "gallery.png").convert("RGB")).astype(int)
    for row in outcomes_of(tokens).tiles(KEPT):
        x, y = tokens.coords[row]
        near = np.abs(page - rgb[y + 30, x + 30]).max(axis=2) <= 4
        assert near.sum() > 0.8 * 112**2


def test_pages_are_drawn_for_every_kind_of_reducer_and_the_same_each_time(painted, tmp_path):
    path = painted[0]
    of_models = [tokens_of(SPECS[name], 40) for name in ("dtc_all", "sparselearn", "kmeans")]
    for number, tokens in enumerate(of_models):
        for run in ("a", "b"):
            write_token_pages(*(tmp_path / f"{run}{number}{n}.png" for n in "mg"), path, tokens)
        for page in "mg":
            first, second = (tmp_path / f"{run}{number}{page}.png" for run in "ab")
            assert first.read_bytes() == second.read_bytes()
    write_token_grid(tmp_path / "grid.jpg", path, of_models)
    assert Image.open(tmp_path / "grid.jpg").width > 1000


@pytest.mark.parametrize("name", ["dtc", "sparselearn", "random"])
def test_qupath_objects_measure_what_the_tokens_file_says(tmp_path, name):
    tokens = tokens_of(SPECS[name], 40)
    outcomes, path = outcomes_of(tokens), tmp_path / "s1.geojson"
    write_token_geojson(path, tokens)
    content = json.loads(path.read_text(), parse_constant=lambda word: pytest.fail(word))
    assert content["type"] == "FeatureCollection"
    assert content["slidesieve"]["model"] == "my_model"
    for row, (feature, corner) in enumerate(zip(content["features"], tokens.coords, strict=True)):
        square = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert square.is_valid
        assert square.bounds == (*corner, *(corner + SIDE))
        properties = feature["properties"]
        assert properties["objectType"] == "tile"
        outcome = outcomes.outcome[row]
        assert properties["classification"] == {
            "name": OUTCOMES[outcome].capitalize(),
            "color": [round(255 * part) for part in to_rgb(OUTCOME_COLOURS[outcome])],
        }
        expected = {word: float(number == outcome) for number, word in enumerate(OUTCOMES)}
        expected["stage"] = float(outcomes.stage[row])
        if tokens.final[row] >= 0:
            expected["token"] = float(tokens.final[row])
            expected["token size"] = float(tokens.token_size[tokens.final[row]])
            expected["attention"] = float(tokens.attention[row])
        for stage, value in enumerate(tokens.importance[row], start=1):
            if np.isfinite(value):
                expected[f"importance, stage {stage}"] = float(value)
        assert properties["measurements"] == expected


def test_qupath_objects_count_from_the_scanned_area_and_keep_their_ids(tmp_path):
    tokens = tokens_of(SPECS["dtc"], 40)
    for name, origin in {"a": Origin(), "b": Origin("bounds", 7, 9), "c": Origin()}.items():
        write_token_geojson(tmp_path / name, tokens, origin)
    plain, moved, again = (json.loads((tmp_path / name).read_text()) for name in "abc")
    assert moved["slidesieve"]["origin"] == "bounds"
    for one, other in zip(plain["features"], moved["features"], strict=True):
        corners = [np.array(f["geometry"]["coordinates"][0]) for f in (one, other)]
        assert (corners[0] - corners[1] == [7, 9]).all()
    assert plain == again
    assert len({uuid.UUID(feature["id"]) for feature in plain["features"]}) == 40


def test_sweeps_are_models_that_differ_in_k_alone():
    pool = {"name": "abmil", "hidden_dim": 8}
    models = {"full": {"aggregator": pool}, "dtc": {"reducer": {"name": "dtc"}, "aggregator": pool}}
    for k in (32, 8):
        models[f"r{k}"] = {"reducer": {"name": "random", "k": k}, "aggregator": pool}
        models[f"m{k}"] = {"reducer": {"name": "random", "k": k}, "aggregator": "mean"}
    models["other"] = {"reducer": {"name": "kmeans", "k": 8}, "aggregator": pool}
    sweeps = {sweep.name: sweep for sweep in k_sweeps(models)}
    assert sweeps["random"].models == {8: "r8", 32: "r32"}
    assert sweeps["random"].full_bag == "full"
    assert sweeps["random, mean"].models == {8: "m8", 32: "m32"}
    assert sweeps["random, mean"].full_bag is None
    assert len(sweeps) == 2
