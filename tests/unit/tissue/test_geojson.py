from __future__ import annotations

import gzip
import json
import logging
import os
import uuid
import zipfile

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from slidesieve.errors import SlideError
from slidesieve.tissue.edits import holds_edit, read_drawn_tissue
from slidesieve.tissue.geojson import is_edited, read_tissue, write_tissue
from slidesieve.tissue.packed import packed_outlines, take_packed_outline
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
    assert uuid.UUID(only["id"])
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


CORNER = [[0, 0], [50, 0], [50, 50], [0, 50], [0, 0]]


def classified(coordinates, classification, **properties):
    known = {"objectType": "annotation", "classification": classification} | properties
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": coordinates},
        "properties": known,
    }


@pytest.mark.parametrize(
    "classification",
    [
        *("Tumor", ["Tumor"], 3, 2.5, True, None, {}, {"name": None}, "*Tumor", [[1], None]),
        *({"names": ["Tumor", "Positive"]}, {"name": "Tumor: Positive"}),
        *({"name": 4}, {"name": ["a", {"b": 1}]}),
    ],
)
def test_every_form_of_a_class_is_tissue(tmp_path, classification):
    read = read_tissue(store(tmp_path, [classified([SQUARE], classification)]))
    assert (read.status, read.tissue.area) == ("ok", 10_000)


@pytest.mark.parametrize(
    "classification",
    [
        *("Ignore*", ["Ignore*"], {"names": ["Ignore*"]}, {"names": ["Ignore*", "Fold"]}),
        *({"name": "Ignore*: Fold"}, "Pen*", {"name": "Blur *"}, {"names": ["Tumor", "Art*"]}),
    ],
)
def test_classes_that_end_in_a_star_are_cut_out_with_their_children(tmp_path, classification):
    features = [classified([SQUARE], "Tumor"), classified([CORNER], classification)]
    assert read_tissue(store(tmp_path, features)).tissue.area == 7_500


@pytest.mark.parametrize(
    "other",
    [
        classified([SQUARE], None, objectType=kind)
        for kind in ("root", "tma_core", "tmaCore", "detection", "cell", "tile", "PathRootObject")
    ]
    + [
        classified([SQUARE], None, objectType="tma_core", missing=True),
        {"id": "TMACoreObject", "geometry": {"type": "Polygon", "coordinates": [SQUARE]}},
        {"id": "PathDetectionObject", "geometry": {"type": "Polygon", "coordinates": [SQUARE]}},
        classified([SQUARE], "x", objectType=None, object_type="PathCellObject"),
    ],
)
def test_what_nobody_drew_is_no_tissue(tmp_path, other):
    drawn = {"id": "PathAnnotationObject"} | classified([CORNER], "Tumor", objectType=None)
    read = read_tissue(store(tmp_path, [drawn, {"type": "Feature"} | other]))
    assert (read.status, read.tissue.area) == ("ok", 2_500)
    alone = read_tissue(store(tmp_path, [{"type": "Feature"} | other]))
    assert alone.status == "empty"
    assert "passed over: 1 " in alone.reason


@pytest.mark.parametrize(
    "stray",
    [
        {"type": "Point", "coordinates": [5, 5]},
        {"type": "MultiPoint", "coordinates": [[5, 5]]},
        {"type": "LineString", "coordinates": [[0, 0], [9, 9]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "MultiPolygon", "coordinates": [[]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [1, 1]}]},
    ],
)
def test_what_has_no_area_does_not_lose_the_slide(tmp_path, stray):
    features = [feature([SQUARE]), {"type": "Feature", "geometry": stray}]
    assert read_tissue(store(tmp_path, features)).tissue.area == 10_000
    assert read_tissue(store(tmp_path, features[1:])).status == "empty"


def test_an_empty_part_leaves_the_others(tmp_path):
    read = read_tissue(store(tmp_path, feature([[], [SQUARE], [[]]], kind="MultiPolygon")))
    assert read.tissue.area == 10_000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", ["plain", "gzip", "zip"])
def test_every_packing_of_an_export_is_read(tmp_path, packed, encoding):
    path = tmp_path / "s.geojson"
    data = json.dumps([feature([SQUARE], name="Tümör")], ensure_ascii=False).encode(encoding)
    if packed == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("s.geojson", data)
    else:
        path.write_bytes(gzip.compress(data) if packed == "gzip" else data)
    assert read_tissue(path).tissue.area == 10_000


@pytest.mark.parametrize(
    "content",
    [
        b"\x1f\x8b broken",
        b"PK\x03\x04 broken",
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'[{"geometry": {"type": "Polygon", "coordinates": [[[1e400, 0], [1, 1], [1, 0]]]}}]',
        b'[{"geometry": {"type": "Polygon", "coordinates": [[[1e300, 0], [1, 1], [1, 0]]]}}]',
        b'[{"geometry": {"type": "Polygon", "coordinates": [7]}}]',
        b'[{"geometry": {"type": "MultiPolygon", "coordinates": [null]}}]',
        b'[{"geometry": {"type": "Polygon", "coordinates": [[{"x": 1}]]}}]',
    ],
)
def test_damage_fails_the_slide_alone(tmp_path, content):
    path = tmp_path / "s.geojson"
    path.write_bytes(content)
    read = read_drawn_tissue(path, "s")
    assert (read.status, read.slide_id) == ("failed", "s")
    assert str(path) in read.reason
    assert holds_edit(path)


def test_a_compressed_export_beside_the_file_is_taken_in_its_place(tmp_path):
    path, packed = tmp_path / "s.geojson", tmp_path / "s.geojson.gz"
    packed.write_bytes(gzip.compress(json.dumps([feature([CORNER])]).encode()))
    assert packed_outlines(path) == [packed]
    take_packed_outline(path)
    assert read_tissue(path).tissue.area == 2_500
    path.write_text(json.dumps([feature([SQUARE])]))
    os.utime(packed, (1, 1))
    take_packed_outline(path)
    assert read_tissue(path).tissue.area == 10_000


def test_a_broken_compressed_export_is_taken_too_and_fails_the_slide(tmp_path):
    path = tmp_path / "s.geojson"
    (tmp_path / "s.geojson.gz").write_bytes(b"\x1f\x8b broken")
    take_packed_outline(path)
    assert "cannot be read as GeoJSON" in read_drawn_tissue(path, "s").reason


def test_the_log_says_what_became_of_which_objects(tmp_path, caplog):
    features = [
        *(classified([SQUARE], "Tumor") for _ in range(2)),
        classified([CORNER], {"names": ["Ignore*", "Fold"]}),
        classified([CORNER], "Tumor", objectType="cell"),
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 1]}},
    ]
    with caplog.at_level(logging.INFO):
        read_drawn_tissue(store(tmp_path, features), "s")
    (line,) = (record.getMessage() for record in caplog.records)
    assert "taken as tissue: 2 Tumor; cut out: 1 Ignore*: Fold; passed over: 1 Point, " in line
    assert "1 cell (Tumor)" in line


def test_the_shared_cases_are_read_or_fail_with_a_reason(shared_data):
    for path in sorted((shared_data / "field_cases" / "geojson").glob("*.geojson")):
        read = read_drawn_tissue(path, path.stem)
        expected = {"nan_coords": "failed", "multi_empty_part": "empty"}.get(path.stem, "ok")
        assert (path.stem, read.status) == (path.stem, expected)
        assert bool(read.reason) == (expected != "ok")
