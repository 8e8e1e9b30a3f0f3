"""Slides whose scanned area lies on a larger plane: QuPath counts from its corner."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import shapely

from slidesieve.figures.tissue_overview import write_overview
from slidesieve.figures.tokens.qupath import origin_of_slide
from slidesieve.slide.bounds import Bounds, stated_bounds
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview
from slidesieve.synthetic.painter.odd_files import halve, write_leica, write_levels
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.edits import read_drawn_tissue
from slidesieve.tissue.geojson import read_tissue, write_tissue
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

SETTINGS = TileSettings(tile_px=256, target_mpp=0.5)
CORNER = (1024, 1537)


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """The same pixels as a plain pyramid and on a larger plane."""
    rgb = np.full((2200, 1900, 3), 243, np.uint8)
    rgb[600:1700, 500:1500] = (205, 130, 175)
    levels = [halve(rgb, k) for k in (0, 1, 2)]
    folder = tmp_path_factory.mktemp("bounds")
    write_levels(folder / "plain.tif", levels, 256, 0.5)
    write_leica(folder / "leica.scn", levels, CORNER, 0.5)
    return folder / "plain.tif", folder / "leica.scn"


def stages(path, **options):
    tissue = segment_slide(path, "s", TissueParams(), **options)
    return tissue, tile_slide(path, "s", tissue, SETTINGS)


def test_bounds_are_those_the_file_states(slides):
    with open_slide(slides[1]) as slide:
        assert slide.bounds == (*CORNER, 1900, 2200)
        assert slide.width == 1900 + 2 * CORNER[0]
    with open_slide(slides[0]) as slide:
        assert slide.bounds == (0, 0, 1900, 2200)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ((10, 20, 300, 400), (10, 20, 300, 400)),
        ((10, 20, 9000, 400), (10, 20, 990, 400)),
        ((10, 20, "", 400), (0, 0, 1000, 800)),
        ((2000, 20, 5, 5), (0, 0, 1000, 800)),
        ((10, 20, None, 400), (0, 0, 1000, 800)),
    ],
)
def test_bounds_that_make_no_sense_mean_the_whole_slide(stated, expected):
    names = ("x", "y", "width", "height")
    properties = {
        f"openslide.bounds-{name}": str(value)
        for name, value in zip(names, stated, strict=True)
        if value is not None
    }
    assert stated_bounds(properties, 1000, 800) == Bounds(*expected)


def test_tissue_and_tiles_are_those_of_the_plain_slide_moved(slides):
    (plain, plain_tiles), (ours, our_tiles) = stages(slides[0]), stages(slides[1])
    moved = shapely.transform(plain.tissue, lambda points: points + np.array(CORNER))
    assert shapely.symmetric_difference(moved, ours.tissue).area < 0.01 * moved.area
    np.testing.assert_array_equal(our_tiles.coords, plain_tiles.coords + CORNER)


def test_only_the_scanned_area_is_looked_at(slides):
    pictures = []
    for path in slides:
        with open_slide(path) as slide:
            pictures.append(read_overview(slide, 0.5, 8.0))
    plain, ours = pictures
    assert (ours.left, ours.top) == CORNER
    assert ours.rgb.shape == plain.rgb.shape
    assert np.abs(ours.rgb.astype(int) - plain.rgb).mean() < 1


def test_the_file_for_qupath_starts_at_the_bounds_and_says_so(slides, tmp_path):
    path = tmp_path / "s.geojson"
    tissue, _ = stages(slides[1])
    write_tissue(path, tissue)
    content = json.loads(path.read_text())
    x, y = np.min(content["features"][0]["geometry"]["coordinates"][0], axis=0)
    assert (x, y) == pytest.approx((500, 600), abs=17)
    stated = {key: content["slidesieve"][key] for key in ("origin", "origin_x", "origin_y")}
    assert stated == {"origin": "bounds", "origin_x": CORNER[0], "origin_y": CORNER[1]}
    assert read_tissue(path) == tissue


def test_who_imports_uncropped_gets_level_0(slides, tmp_path):
    path = tmp_path / "s.geojson"
    tissue, _ = stages(slides[1], outline_origin="level0")
    write_tissue(path, tissue)
    content = json.loads(path.read_text())
    x, y = np.min(content["features"][0]["geometry"]["coordinates"][0], axis=0)
    assert (x, y) == pytest.approx((1524, 2137), abs=17)
    assert content["slidesieve"]["origin"] == "level0"
    assert origin_of_slide(slides[1], "level0").corner == (0, 0)
    assert origin_of_slide(slides[1], "bounds").corner == CORNER


def drawn(path, header=None):
    """A file as QuPath exports it: the tissue of the slides above."""
    ring = [[500, 600], [1500, 600], [1500, 1700], [500, 1700], [500, 600]]
    feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}}
    content = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(content | ({"slidesieve": header} if header else {})))
    return path


def test_an_outline_from_qupath_lies_on_the_tissue(slides, tmp_path):
    outline = read_drawn_tissue(drawn(tmp_path / "s.geojson"), "s")
    plain, ours = (tile_slide(path, "s", outline, SETTINGS) for path in slides)
    np.testing.assert_array_equal(ours.coords, plain.coords + CORNER)
    write_overview(tmp_path / "a.jpg", slides[0], outline, plain)
    write_overview(tmp_path / "b.jpg", slides[1], outline, ours)
    one, other = (cv2.imread(str(tmp_path / name)).astype(int) for name in ("a.jpg", "b.jpg"))
    assert np.abs(one - other).mean() < 1


@pytest.mark.parametrize("how", ["config", "file", "file of version 0.1"])
def test_an_outline_that_counts_from_level_0_is_taken_so_if_told(slides, tmp_path, how):
    header = {
        "config": None,
        "file": {"origin": "level0"},
        "file of version 0.1": {"slide_id": "s", "geometry_sha256": "of before the edit"},
    }[how]
    path = drawn(tmp_path / "s.geojson", header)
    outline = read_drawn_tissue(path, "s", "level0" if how == "config" else "bounds")
    tiles = tile_slide(slides[1], "s", outline, SETTINGS)
    # Level-0 (500 to 1500, 600 to 1700) lies mostly before the scanned area.
    assert "of the outline lies off the scanned area" in tiles.warnings + tiles.reason


def test_our_own_file_with_a_moved_corner_stays_where_it_was(slides, tmp_path):
    path = tmp_path / "s.geojson"
    tissue, tiles = stages(slides[1])
    write_tissue(path, tissue)
    content = json.loads(path.read_text())
    content["features"][0]["geometry"]["coordinates"][0][1][0] += 1
    path.write_text(json.dumps(content))
    outline = read_drawn_tissue(path, "s")
    assert outline.edited
    np.testing.assert_array_equal(
        tile_slide(slides[1], "s", outline, SETTINGS).coords, tiles.coords
    )


def test_the_shared_leica_slide_has_the_tissue_of_the_plain_one(shared_data, tmp_path):
    folder = shared_data / "field_cases" / "slides"
    for name in ("plain.tif", "leica.scn"):
        tissue, tiles = stages(folder / name)
        assert len(tiles.coords) == 34
        write_tissue(tmp_path / f"{name}.geojson", tissue)
    plain, leica = (
        read_tissue(tmp_path / f"{name}.geojson") for name in ("plain.tif", "leica.scn")
    )
    back = shapely.transform(leica.tissue, lambda points: points - (1024, 1536))
    assert shapely.intersection(back, plain.tissue).area > 0.98 * plain.tissue.area
