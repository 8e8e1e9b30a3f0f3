"""Tissue as GeoJSON that QuPath opens, a user edits and SlideSieve reads back.

Coordinates are level-0 px, counted from the corner that the file's `Origin` names. What SlideSieve
knows beyond the polygons stands in the member `slidesieve` of the collection, with a hash of the
features: QuPath drops the member when it exports, and a text editor leaves the hash behind, so
either way an edit shows.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

from slidesieve.errors import SlideError
from slidesieve.store.geojson import HEADER, Origin, stable_id, stated_origin, write_features
from slidesieve.tissue.polygons import as_multipolygon, moved
from slidesieve.tissue.qupath_objects import Objects, class_name, sort_objects
from slidesieve.tissue.result import TissueResult

_HASH = "geometry_sha256"
_TISSUE_CLASS = {"name": "Tissue", "color": [0, 160, 80]}
_HEADER_FIELDS = tuple(
    field.name for field in fields(TissueResult) if field.name not in ("tissue", "edited", "origin")
)
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_MOST_BYTES = 1 << 30


def write_tissue(path: Path, result: TissueResult) -> None:
    """Write a slide's tissue, one feature a line; the same result gives the same bytes."""
    left, top = result.origin.corner
    features = [
        _feature(polygon, result.slide_id) for polygon in moved(result.tissue, -left, -top).geoms
    ]
    header = {name: getattr(result, name) for name in _HEADER_FIELDS}
    header["params"] = dict(result.params)
    header[_HASH] = _hash(features)
    write_features(path, features, header, result.origin)


def read_tissue(path: Path, assumed_origin: str = "bounds") -> TissueResult:
    """Read tissue written by SlideSieve or exported from QuPath, see `read_objects`.

    Args:
        path: The file.
        assumed_origin: Where coordinates start if the file does not say: "bounds", as in QuPath,
            or "level0".
    """
    return read_objects(path, assumed_origin)[0]


def read_objects(path: Path, assumed_origin: str = "bounds") -> tuple[TissueResult, Objects]:
    """Read tissue, and how many objects of the file it was made from.

    Accepts a FeatureCollection, a list of features, one feature or one bare geometry; polygons,
    multipolygons and collections of them; plain, gzip and ZIP. Annotations of every class count
    as tissue, but those of a class that ends in "*" are cut out of it. Points, lines and empty
    parts are passed over, and so are the root, cores of a microarray, detections and cells.
    Outlines that cross themselves are repaired.

    Returns:
        The result as stored, and the objects. After an edit `edited` is True, the status follows
        the polygons, and of a file without our header only the polygons are known; they are then
        in level-0 px only after `TissueResult.on_level0`.

    Raises:
        SlideError: Names the file and the feature that is damaged or not closed.
    """
    content = _load(path)
    features = _features(path, content)
    objects = sort_objects(str(path), features)
    tissue = as_multipolygon(objects.tissue)
    if objects.ignored:
        tissue = as_multipolygon([tissue - as_multipolygon(objects.ignored)])
    header = content.get(HEADER) if isinstance(content, dict) else None
    header = header if isinstance(header, dict) else {}
    edited = header.get(_HASH) != _hash(features)
    known = {name: header[name] for name in _HEADER_FIELDS if name in header}
    if edited:
        known["warnings"] = ""
        known["status"] = "empty" if tissue.is_empty else "ok"
        known["reason"] = f"the edited file holds no tissue ({objects})" if tissue.is_empty else ""
    origin = _origin(header, assumed_origin)
    tissue = moved(tissue, *origin.corner)
    return TissueResult(**known | {"tissue": tissue, "edited": edited, "origin": origin}), objects


def is_edited(path: Path) -> bool:
    """Tell whether a person has changed the polygons since SlideSieve wrote them.

    Raises:
        SlideError: The file is no GeoJSON.
    """
    return read_tissue(path).edited


def _origin(header: dict[str, object], assumed: str) -> Origin:
    stated = stated_origin(header)
    if stated is not None:
        return stated
    # SlideSieve 0.1 wrote level-0 coordinates and did not say so.
    if _HASH in header or assumed == "level0":
        return Origin()
    return Origin(assumed, None, None)


def _feature(polygon: Polygon, slide_id: str) -> dict:
    rings = [polygon.exterior, *polygon.interiors]
    coordinates = [_coordinates(ring).tolist() for ring in rings]
    return {
        "type": "Feature",
        "id": stable_id(slide_id, "tissue", coordinates),
        "geometry": {"type": "Polygon", "coordinates": coordinates},
        "properties": {
            "objectType": "annotation",
            "classification": _TISSUE_CLASS,
            "isLocked": False,
        },
    }


def _coordinates(ring: shapely.LinearRing) -> NDArray[np.float64]:
    return np.round(shapely.get_coordinates(ring), 2)


def _hash(features: list[dict]) -> str:
    """Hash what decides over the tissue: geometries and class names, not layout or colour."""
    content = [(feature.get("geometry"), class_name(feature)) for feature in features]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _load(path: Path) -> object:
    try:
        # From bytes, json finds out the encoding, byte order mark or not.
        return json.loads(_unpacked(path.read_bytes()))
    except (OSError, ValueError, RecursionError, EOFError, zipfile.BadZipFile) as error:
        raise SlideError(f"{path} cannot be read as GeoJSON: {error}") from error


def _unpacked(data: bytes) -> bytes:
    """Undo the compression that QuPath offers, told by the first bytes."""
    if data.startswith(_GZIP):
        with gzip.open(io.BytesIO(data)) as file:
            return _at_most(file.read(_MOST_BYTES + 1))
    if data.startswith(_ZIP):
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(archive.infolist()[0]) as f:
            return _at_most(f.read(_MOST_BYTES + 1))
    return data


def _at_most(data: bytes) -> bytes:
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it unpacks to more than {_MOST_BYTES >> 30} GiB")
    return data


def _features(path: Path, content: Any) -> list[dict]:  # noqa: ANN401 -- read JSON
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
