from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from slidesieve.figures.attention_overlay import AttentionMap, attention_overlay, top_tiles
from slidesieve.figures.attention_scale import ATTENTION_SCALES, PERCENTILE, SHARE
from slidesieve.figures.tile_colours import OPACITY, over_tissue, paint_tiles

DPI, PANEL_IN, BAR_IN, GAP_IN = 150, 5.2, 0.18, 0.12


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 200, dtype=np.uint8)


def painted(picture: np.ndarray, least: int = 1) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=2) >= least


@settings(max_examples=40, deadline=None)
@given(
    downsample=st.floats(1.0, 40.0),
    size=st.integers(40, 300),
    corners=st.lists(st.tuples(st.integers(-100, 900), st.integers(-100, 700)), max_size=6),
)
def test_a_pixel_is_painted_if_and_only_if_its_centre_lies_in_a_tile(downsample, size, corners):
    height, width = 60, 80
    coords = np.array(corners, dtype=np.int64).reshape(-1, 2)
    values = np.full(len(coords), 50.0)
    picture = paint_tiles(grey(height, width), downsample, coords, size, values, PERCENTILE)
    x = (np.arange(width) + 0.5) * downsample
    y = (np.arange(height) + 0.5) * downsample
    expected = np.zeros((height, width), dtype=bool)
    for x0, y0 in corners:
        inside_x = (x >= x0) & (x < x0 + size)
        inside_y = (y >= y0) & (y < y0 + size)
        expected |= inside_y[:, None] & inside_x[None, :]
    np.testing.assert_array_equal(painted(picture), expected)


def test_a_tile_smaller_than_a_pixel_still_shows():
    coords, values = np.array([[310, 420]]), np.array([99.0])
    picture = paint_tiles(grey(10, 10), 100.0, coords, 20, values, PERCENTILE)
    assert painted(picture).sum() == 1
    assert painted(picture)[4, 3]


def test_overlapping_tiles_show_their_mean_and_dropped_ones_nothing():
    coords = np.array([[0, 0], [20, 0], [60, 0]])
    values = np.array([20.0, 80.0, np.nan])
    both = paint_tiles(grey(40, 100), 1.0, coords, 40, values, PERCENTILE)
    mean = paint_tiles(grey(40, 100), 1.0, coords[:1], 40, np.array([50.0]), PERCENTILE)
    np.testing.assert_array_equal(both[0, 30], mean[0, 30])
    assert not painted(both)[:, 60:].any()


def test_percentiles_are_midranks_among_kept_tiles():
    attention = np.array([0.1, np.nan, 0.4, 0.1, 0.3])
    expected = [25.0, np.nan, 87.5, 25.0, 62.5]
    np.testing.assert_allclose(PERCENTILE.values(attention), expected)


def test_shares_are_multiples_of_even_attention_among_kept_tiles():
    attention = np.array([0.1, np.nan, 0.4, 0.1, 0.2])
    np.testing.assert_allclose(SHARE.values(attention), [0.5, np.nan, 2.0, 0.5, 1.0])
    np.testing.assert_allclose(SHARE.values(np.full(7, 3.0)), 1.0)


def test_shares_are_coloured_by_their_logarithm_and_even_attention_is_in_the_middle():
    places = SHARE.norm()([1.0, 4.0, 1 / 4, 16.0, 99.0, 0.0])
    np.testing.assert_allclose(places, [0.5, 0.75, 0.25, 1.0, 1.0, 0.0])


def test_top_tiles_come_highest_first_without_dropped_ones():
    attention = np.array([0.1, np.nan, 0.4, 0.4, 0.3])
    assert top_tiles(attention, 3).tolist() == [2, 3, 4]
    assert top_tiles(attention, 9).tolist() == [2, 3, 4, 0]


def shown(picture, coords, size, attention, top=()) -> AttentionMap:
    return AttentionMap(picture, 10.0, coords, size, attention, 0.5, dict(enumerate(top)))


def page_of(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.mark.parametrize(("height", "width"), [(300, 300), (200, 400)])
def test_on_the_page_tiles_lie_where_they_lie_on_the_slide(tmp_path, height, width):
    # One tile: the slide's lower right quarter of the shorter side.
    side = min(height, width) // 2
    coords = np.array([[(width - side) * 10, (height - side) * 10]])
    out = tmp_path / "map.png"
    one_tile = shown(grey(height, width), coords, side * 10, np.ones(1))
    attention_overlay(one_tile, PERCENTILE, "t", "", out)
    edge = (2 * GAP_IN + 2 * PANEL_IN) * DPI
    rows, columns = np.nonzero(painted(page_of(out)[:, : int(edge) + 5], 20))  # without the bar
    scale = PANEL_IN * DPI / width
    assert np.ptp(columns) + 1 == pytest.approx(side * scale, abs=2)
    assert np.ptp(rows) + 1 == pytest.approx(side * scale, abs=2)
    assert columns.max() == pytest.approx(edge, abs=2)


@pytest.mark.parametrize("name", ATTENTION_SCALES)
def test_the_bar_has_the_colours_of_tiles_over_tissue(tmp_path, name):
    scale, out = ATTENTION_SCALES[name], tmp_path / "map.png"
    coords = np.array([[0, 0], [500, 500]])
    attention_overlay(shown(grey(100, 100), coords, 500, np.ones(2)), scale, "t", "", out)
    page, left = page_of(out), (3 * GAP_IN + 2 * PANEL_IN) * DPI
    bar = page[:, int(left + BAR_IN * DPI / 2)]
    inside = bar[np.ptp(bar.astype(int), axis=1) > 0]
    colours = mpl.colormaps[scale.colours]
    for place, found in ((1.0, inside[1]), (0.0, inside[-2])):
        expected = np.array(over_tissue(colours(place)[:3], OPACITY)) * 255
        np.testing.assert_allclose(found, expected, atol=10)


def test_the_strip_shows_the_tiles_given(tmp_path):
    tile = np.zeros((16, 16, 3), dtype=np.uint8)
    tile[..., 1] = 255
    coords = np.array([[0, 0], [500, 500]])
    files = [tmp_path / name for name in ("with.png", "without.png")]
    for out, tiles in zip(files, ([tile, tile], []), strict=True):
        pair = shown(grey(100, 100), coords, 500, np.array([0.75, 0.25]), tiles)
        attention_overlay(pair, SHARE, "t", "", out)
    greens = [(page_of(out) == [0, 255, 0]).all(axis=2).sum() for out in files]
    assert greens[0] == pytest.approx(2 * (1.5 * DPI) ** 2, rel=0.05)
    assert greens[1] == 0


@pytest.mark.parametrize("ending", ["png", "svg", "jpg"])
def test_equal_input_gives_equal_bytes(tmp_path, ending):
    coords = np.array([[0, 0], [500, 500]])
    for name in ("a", "b"):
        pair = shown(grey(50, 60), coords, 200, np.array([0.3, 0.7]))
        attention_overlay(pair, SHARE, "title", "more", tmp_path / f"{name}.{ending}")
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("a", "b"))
    assert first == second
