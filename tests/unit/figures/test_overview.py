"""Overviews say what they show: a foot with name, scale and legend, and hatched exclusions."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image
from shapely.geometry import MultiPolygon, box

from slidesieve.figures.overview_file import (
    LEFT_OUT,
    read_overview_file,
    round_length_um,
    with_foot,
    write_overview_file,
)
from slidesieve.figures.tissue_overview import draw_overview

GLASS, STAIN = (240, 240, 240), (200, 90, 160)


def like(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(picture.astype(int) - colour) < 40).all(axis=2)


def test_the_file_keeps_its_scale_and_gives_the_picture_without_the_foot(tmp_path):
    picture = np.full((300, 640, 3), 120, np.uint8)
    framed = with_foot(picture, "s1: 5 tiles", 8.0)
    write_overview_file(tmp_path / "s.jpg", framed, len(framed) - 300, 8.0)
    stored = read_overview_file(tmp_path / "s.jpg")
    assert stored.um_per_px == 8.0
    np.testing.assert_allclose(stored.picture, picture, atol=3)


def test_a_picture_without_a_note_comes_whole(tmp_path):
    for number, comment in enumerate((None, b"made by a scanner")):
        path = tmp_path / f"{number}.jpg"
        Image.new("RGB", (20, 10)).save(path, **({"comment": comment} if comment else {}))
        stored = read_overview_file(path)
        assert stored.picture.shape == (10, 20, 3)
        assert stored.um_per_px is None


@pytest.mark.parametrize("um_per_px", [0.5, 8.0, 63.0])
def test_the_bar_of_the_foot_has_the_length_it_says(um_per_px):
    width = 800
    foot = with_foot(np.full((10, width, 3), 120, np.uint8), "", um_per_px)[10:]
    line = (foot < 60).all(axis=2)[: len(foot) // 2]
    longest = max(row.sum() for row in line)
    expected = round_length_um(width * um_per_px / 4) / um_per_px
    assert longest == pytest.approx(expected, abs=width * 0.02)


def test_what_is_stained_and_no_tissue_is_hatched():
    rgb = np.full((600, 600, 3), GLASS, np.uint8)
    rng = np.random.default_rng(0)
    for left in (100, 400):
        rgb[200:400, left : left + 100] = rng.integers(-15, 15, (200, 100, 1)) + STAIN
    tissue = MultiPolygon([box(95 * 4, 195 * 4, 205 * 4, 405 * 4)])
    drawn = draw_overview(rgb, 4.0, tissue, np.empty((0, 2), np.int64), 100)
    hatched = like(drawn, LEFT_OUT)
    assert 0.1 < hatched[210:390, 410:490].mean() < 0.4
    assert not hatched[:, :380].any()
    assert not hatched[:180].any()


def test_tiles_and_outlines_lie_where_they_are():
    rgb = np.full((300, 300, 3), GLASS, np.uint8)
    drawn = draw_overview(rgb, 2.0, MultiPolygon(), np.array([[100, 200]]), 80)
    changed = cv2.absdiff(drawn, rgb).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    corners = (columns.min(), rows.min(), columns.max(), rows.max())
    assert corners == pytest.approx((50, 100, 90, 140), abs=1)
