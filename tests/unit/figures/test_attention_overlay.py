from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from slidesieve.figures.attention_overlay import (
    attention_overlay,
    attention_percentile,
    paint_tiles,
    top_tiles,
)

DPI, PANEL_IN = 150, 4.2


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 200, dtype=np.uint8)


def painted(picture: np.ndarray) -> np.ndarray:
    return np.ptp(picture.astype(int), axis=2) > 0


@settings(max_examples=40, deadline=None)
@given(
    downsample=st.floats(1.0, 40.0),
    size=st.integers(40, 300),
    corners=st.lists(st.tuples(st.integers(-100, 900), st.integers(-100, 700)), max_size=6),
)
def test_a_pixel_is_painted_if_and_only_if_its_centre_lies_in_a_tile(downsample, size, corners):
    height, width = 60, 80
    coords = np.array(corners, dtype=np.int64).reshape(-1, 2)
    percentile = np.full(len(coords), 50.0)
    picture = paint_tiles(grey(height, width), downsample, coords, size, percentile)
    x = (np.arange(width) + 0.5) * downsample
    y = (np.arange(height) + 0.5) * downsample
    expected = np.zeros((height, width), dtype=bool)
    for x0, y0 in corners:
        inside_x = (x >= x0) & (x < x0 + size)
        inside_y = (y >= y0) & (y < y0 + size)
        expected |= inside_y[:, None] & inside_x[None, :]
    np.testing.assert_array_equal(painted(picture), expected)


def test_a_tile_smaller_than_a_pixel_still_shows():
    picture = paint_tiles(grey(10, 10), 100.0, np.array([[310, 420]]), 20, np.array([99.0]))
    assert painted(picture).sum() == 1
    assert painted(picture)[4, 3]


def test_overlapping_tiles_show_their_mean_and_dropped_ones_nothing():
    coords = np.array([[0, 0], [20, 0], [60, 0]])
    both = paint_tiles(grey(40, 100), 1.0, coords, 40, np.array([20.0, 80.0, np.nan]))
    mean = paint_tiles(grey(40, 100), 1.0, coords[:1], 40, np.array([50.0]))
    np.testing.assert_array_equal(both[0, 30], mean[0, 30])
    assert not painted(both)[:, 60:].any()


def test_percentiles_are_midranks_among_kept_tiles():
    attention = np.array([0.1, np.nan, 0.4, 0.1, 0.3])
    expected = [25.0, np.nan, 87.5, 25.0, 62.5]
    np.testing.assert_allclose(attention_percentile(attention), expected)


def test_top_tiles_come_highest_first_without_dropped_ones():
    attention = np.array([0.1, np.nan, 0.4, 0.4, 0.3])
    assert top_tiles(attention, 3).tolist() == [2, 3, 4]
    assert top_tiles(attention, 9).tolist() == [2, 3, 4, 0]


@pytest.mark.parametrize(("height", "width"), [(300, 300), (200, 400)])
def test_on_the_page_tiles_lie_where_they_lie_on_the_slide(tmp_path, height, width):
    # One tile: the slide's lower right quarter of the shorter side.
    side = min(height, width) // 2
    coords = np.array([[(width - side) * 10, (height - side) * 10]])
    out = tmp_path / "map.png"
    attention_overlay(grey(height, width), 10.0, coords, side * 10, np.ones(1), 0.5, "t", out)
    page = np.asarray(Image.open(out).convert("RGB"))
    right = page[:, : int(8.7 * DPI)]  # without the colour bar
    rows, columns = np.nonzero(painted(right))
    scale = PANEL_IN * DPI / width
    assert np.ptp(columns) + 1 == pytest.approx(side * scale, abs=2)
    assert np.ptp(rows) + 1 == pytest.approx(side * scale, abs=2)
    edge = (2 * 0.12 + 2 * PANEL_IN) * DPI
    assert columns.max() == pytest.approx(edge, abs=2)


def test_the_strip_shows_the_tiles_given(tmp_path):
    tile = np.zeros((16, 16, 3), dtype=np.uint8)
    tile[..., 0] = 255
    coords = np.array([[0, 0], [500, 500]])
    files = [tmp_path / name for name in ("with.png", "without.png")]
    for out, tiles in zip(files, ([tile, tile], []), strict=True):
        attention = np.array([0.75, 0.25])
        attention_overlay(grey(100, 100), 10.0, coords, 500, attention, 0.5, "t", out, tiles)
    pages = [np.asarray(Image.open(out).convert("RGB")) for out in files]
    reds = [(page == [255, 0, 0]).all(axis=2).sum() for page in pages]
    assert reds[0] == pytest.approx(2 * (1.3 * DPI) ** 2, rel=0.05)
    assert reds[1] == 0


def test_equal_input_gives_equal_bytes(tmp_path):
    coords = np.array([[0, 0], [500, 500]])
    for name in ("a", "b"):
        for ending in ("png", "svg"):
            out = tmp_path / f"{name}.{ending}"
            args = (grey(50, 60), 10.0, coords, 200, np.array([0.3, 0.7]), 0.5, "title")
            attention_overlay(*args, out)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
