"""Tissue as GeoJSON that QuPath opens, a user edits and SlideSieve reads back.

Coordinates are level-0 px. What SlideSieve knows beyond the polygons stands in the member
`slidesieve` of the collection, with a hash of the features: QuPath drops the member when it
exports, and a text editor leaves the hash behind, so either way an edit shows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from slidesieve.errors import SlideError
from slidesieve.store.geojson import HEADER, write_features
from slidesieve.tissue.polygons import as_multipolygon
from slidesieve.tissue.result import TissueResult

_HASH = "geometry_sha256"
_TISSUE_CLASS = {"name": "Tissue", "color": [0, 160, 80]}
# QuPath's own class for regions that are to be left out.
_IGNORE_CLASS = "Ignore*"
_HEADER_FIELDS = tuple(
    field.name for field in fields(TissueResult) if field.name not in ("tissue", "edited")
)


def write_tissue(path: Path, result: TissueResult) -> None:
    """Write a slide's tissue, one feature a line; the same result gives the same bytes."""
    features = [_feature(polygon) for polygon in result.tissue.geoms]
    header = {name: getattr(result, name) for name in _HEADER_FIELDS}
    header["params"] = dict(result.params)
    header[_HASH] = _hash(features)
    write_features(path, features, header)


def read_tissue(path: Path) -> TissueResult:
    """Read tissue written by SlideSieve or exported from QuPath.

    Accepts a FeatureCollection, a list of features, one feature or one bare geometry; polygons,
    multipolygons and collections of them. Every class counts as tissue, but what is classified
    "Ignore*" is cut out of it. Outlines that cross themselves are repaired.

    Returns:
        The result as stored. After an edit `edited` is True, the status follows the polygons, and
        of a file without our header only the polygons are known.

    Raises:
        SlideError: Names the file and the feature that is no area or is not closed.
    """
    content = _load(path)
    features = _features(path, content)
    tissue = _unite(path, features)
    header = content.get(HEADER) if isinstance(content, dict) else None
    header = header if isinstance(header, dict) else {}
    edited = header.get(_HASH) != _hash(features)
    known = {name: header[name] for name in _HEADER_FIELDS if name in header}
    if edited:
        known["status"] = "empty" if tissue.is_empty else "ok"
        known["reason"] = "the edited file holds no tissue" if tissue.is_empty else ""
    return TissueResult(**known | {"tissue": tissue, "edited": edited})


def is_edited(path: Path) -> bool:
    """Tell whether a person has changed the polygons since SlideSieve wrote them.

    Raises:
        SlideError: The file is no GeoJSON.
    """
    return read_tissue(path).edited


def _feature(polygon: Polygon) -> dict:
    rings = [polygon.exterior, *polygon.interiors]
    coordinates = [np.round(shapely.get_coordinates(ring), 2).tolist() for ring in rings]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": coordinates},
        "properties": {
            "objectType": "annotation",
            "classification": _TISSUE_CLASS,
            "isLocked": False,
        },
    }


def _hash(features: list[dict]) -> str:
    """Hash what decides over the tissue: geometries and class names, not layout or colour."""
    content = [(feature.get("geometry"), _class_name(feature)) for feature in features]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _class_name(feature: dict) -> str:
    classification = (feature.get("properties") or {}).get("classification") or {}
    return str(classification.get("name", ""))


def _load(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise SlideError(f"{path} cannot be read as GeoJSON: {error}") from error


def _features(path: Path, content: object) -> list[dict]:
    match content:
        case {"type": "FeatureCollection", "features": list(features)} | list(features):
            pass
        case {"type": "Feature"}:
            features = [content]
        case {"type": str(), **rest} if "coordinates" in rest or "geometries" in rest:
            features = [{"type": "Feature", "geometry": content}]
        case _:
            raise SlideError(f"{path} holds no GeoJSON features; export annotations from QuPath")
    if not all(isinstance(feature, dict) for feature in features):
        raise SlideError(f"{path}: every feature must be an object with a geometry")
    return features


def _unite(path: Path, features: list[dict]) -> shapely.MultiPolygon:
    kept: list[BaseGeometry] = []
    ignored: list[BaseGeometry] = []
    for number, feature in enumerate(features, start=1):
        where = f"{path}: feature {number}"
        target = ignored if _class_name(feature) == _IGNORE_CLASS else kept
        target.extend(_polygons(where, feature.get("geometry")))
    tissue = as_multipolygon(kept)
    return as_multipolygon([tissue - as_multipolygon(ignored)]) if ignored else tissue


def _polygons(where: str, geometry: object) -> Iterator[Polygon]:
    match geometry:
        case {"type": "Polygon", "coordinates": list(rings)} if rings:
            yield _polygon(where, rings)
        case {"type": "MultiPolygon", "coordinates": list(parts)}:
            for rings in parts:
                yield _polygon(where, rings)
        case {"type": "GeometryCollection", "geometries": list(members)}:
            for member in members:
                yield from _polygons(where, member)
        case {"type": kind}:
            raise SlideError(f"{where} is a {kind}; only areas (Polygon, MultiPolygon) are tissue")
        case _:
            raise SlideError(f"{where} has no geometry")


def _polygon(where: str, rings: list) -> Polygon:
    outlines = [_ring(where, ring) for ring in rings]
    return Polygon(outlines[0], outlines[1:])


def _ring(where: str, ring: Any) -> list[tuple[float, float]]:  # noqa: ANN401 -- read JSON
    try:
        points = [(float(point[0]), float(point[1])) for point in ring]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise SlideError(f"{where} has a corner that is no pair of numbers") from error
    if not np.isfinite(points).all():
        raise SlideError(f"{where} has a corner that is not finite")
    if len(points) < 4 or points[0] != points[-1]:
        raise SlideError(f"{where} is not closed: its last corner must repeat its first")
    return points
