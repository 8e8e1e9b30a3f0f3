from __future__ import annotations

import json

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from slidesieve.errors import SlideError
from slidesieve.tissue.geojson import is_edited, read_tissue, write_tissue
from slidesieve.tissue.polygons import as_multipolygon
from slidesieve.tissue.result import TissueResult

SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]]
HOLE = [[20, 20], [20, 40], [40, 40], [40, 20], [20, 20]]


def result(*polygons, **known):
    defaults = {"slide_id": "s1", "mpp": 0.25, "mpp_source": "slide", "width": 500, "height": 400}
    return TissueResult(tissue=as_multipolygon(polygons), **defaults | known)


def feature(coordinates, kind="Polygon", name="Tissue"):
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": {"objectType": "annotation", "classification": {"name": name}},
    }


def store(tmp_path, content):
    path = tmp_path / "edited.geojson"
    path.write_text(json.dumps(content))
    return path


boxes = st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(1, 90)] * 2).map(
    lambda b: shapely.box(b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(kept=st.lists(boxes, max_size=6), holes=st.lists(boxes, max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, kept, holes):
    path = tmp_path_factory.mktemp("tissue") / "s1.geojson"
    tissue = shapely.difference(shapely.union_all(kept), shapely.union_all(holes))
    status = "empty" if tissue.area == 0 else "ok"
    written = result(tissue, status=status, reason="none" if status == "empty" else "")
    write_tissue(path, written)
    read = read_tissue(path)
    assert read == written
    first = path.read_bytes()
    write_tissue(path, read)
    assert path.read_bytes() == first


def test_the_file_has_what_qupath_wants(tmp_path):
    path = tmp_path / "s1.geojson"
    write_tissue(path, result(shapely.Polygon(SQUARE, [HOLE])))
    content = json.loads(path.read_text())
    assert content["type"] == "FeatureCollection"
    (only,) = content["features"]
    assert only["type"] == "Feature"
    assert only["geometry"]["type"] == "Polygon"
    assert [len(ring) for ring in only["geometry"]["coordinates"]] == [5, 5]
    assert only["properties"] == {
        "objectType": "annotation",
        "classification": {"name": "Tissue", "color": [0, 160, 80]},
        "isLocked": False,
    }
    assert content["slidesieve"]["slide_id"] == "s1"
    assert content["slidesieve"]["mpp"] == 0.25


def test_a_fresh_file_is_not_edited_even_if_laid_out_anew(tmp_path):
    path = tmp_path / "s1.geojson"
    write_tissue(path, result(shapely.Polygon(SQUARE, [HOLE])))
    assert not is_edited(path)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4))
    assert not is_edited(path)


@pytest.mark.parametrize("edit", ["move a corner", "delete", "add", "reclassify", "lose header"])
def test_every_edit_shows(tmp_path, edit):
    path = tmp_path / "s1.geojson"
    write_tissue(path, result(shapely.Polygon(SQUARE), shapely.box(200, 200, 300, 300)))
    content = json.loads(path.read_text())
    match edit:
        case "move a corner":
            content["features"][0]["geometry"]["coordinates"][0][2][0] += 1
        case "delete":
            content["features"].pop()
        case "add":
            content["features"].append(feature([SQUARE]))
        case "reclassify":
            content["features"][0]["properties"]["classification"]["name"] = "Ignore*"
        case "lose header":
            del content["slidesieve"]
    path.write_text(json.dumps(content))
    assert is_edited(path)
    assert read_tissue(path).edited


def test_drawing_on_a_failed_slide_makes_it_usable(tmp_path):
    path = tmp_path / "s1.geojson"
    write_tissue(path, result(status="failed", reason="fluorescence"))
    content = json.loads(path.read_text())
    content["features"].append(feature([SQUARE]))
    path.write_text(json.dumps(content))
    assert (read_tissue(path).status, read_tissue(path).reason) == ("ok", "")


def test_deleting_all_tissue_makes_the_slide_empty(tmp_path):
    path = store(tmp_path, {"type": "FeatureCollection", "features": []})
    assert read_tissue(path).status == "empty"
    assert read_tissue(path).reason


@pytest.mark.parametrize(
    "content",
    [
        {"type": "FeatureCollection", "features": [feature([SQUARE, HOLE])]},
        [feature([SQUARE, HOLE])],
        feature([SQUARE, HOLE]),
        feature([SQUARE, HOLE])["geometry"],
        feature([[SQUARE, HOLE]], kind="MultiPolygon"),
        {
            "type": "Feature",
            "geometry": {
                "type": "GeometryCollection",
                "geometries": [feature([SQUARE, HOLE])["geometry"]],
            },
        },
        [{"type": "Feature", "geometry": feature([SQUARE, HOLE])["geometry"], "properties": None}],
    ],
)
def test_every_shape_of_export_is_read(tmp_path, content):
    read = read_tissue(store(tmp_path, content))
    assert read.tissue.equals(shapely.Polygon(SQUARE, [HOLE]))
    assert (read.edited, read.status, read.slide_id) == (True, "ok", "")


def test_overlapping_annotations_count_once(tmp_path):
    shifted = [[x + 50, y] for x, y in SQUARE]
    read = read_tissue(store(tmp_path, [feature([SQUARE]), feature([shifted], name="Tumor")]))
    assert read.tissue.area == 15_000


def test_ignored_regions_are_cut_out(tmp_path):
    corner = [[0, 0], [50, 0], [50, 50], [0, 50], [0, 0]]
    read = read_tissue(store(tmp_path, [feature([SQUARE]), feature([corner], name="Ignore*")]))
    assert read.tissue.area == 7_500


def test_outline_that_crosses_itself_is_repaired(tmp_path):
    bow_tie = [[0, 0], [100, 100], [100, 0], [0, 100], [0, 0]]
    read = read_tissue(store(tmp_path, feature([bow_tie])))
    assert read.tissue.is_valid
    assert read.tissue.area == pytest.approx(5_000)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("text", "holds no GeoJSON features"),
        ({"type": "Topology"}, "holds no GeoJSON features"),
        ([feature([SQUARE]), feature([[0, 0], [9, 9]], "LineString")], "feature 2 is a LineString"),
        (feature([SQUARE[:-1]]), "feature 1 is not closed"),
        (feature([[[0, 0], [1, 1], [0, 0]]]), "feature 1 is not closed"),
        (feature([[[0, 0], [1, "x"], [1, 1], [0, 0]]]), "no pair of numbers"),
        (feature([[[0, 0], [1, float("inf")], [1, 1], [0, 0]]]), "not finite"),
        ({"type": "Feature", "geometry": None}, "feature 1 has no geometry"),
        ([1], "must be an object"),
    ],
)
def test_what_is_no_area_is_refused_naming_the_file(tmp_path, content, reason):
    path = store(tmp_path, content)
    with pytest.raises(SlideError, match=reason) as refusal:
        read_tissue(path)
    assert str(path) in str(refusal.value)


def test_a_broken_file_is_refused_naming_it(tmp_path):
    path = tmp_path / "half.geojson"
    path.write_text('{"type": "FeatureCollection", "features": [')
    with pytest.raises(SlideError, match=r"half\.geojson cannot be read as GeoJSON"):
        read_tissue(path)
