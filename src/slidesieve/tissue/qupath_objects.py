"""Which objects of a GeoJSON file are tissue, as QuPath means them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from shapely.geometry import Polygon

from slidesieve.errors import SlideError

# Objects that are no drawing of a person: the whole picture, cores of a microarray, and what
# QuPath found. The names are QuPath's, old and new, without "Path", "Object" and "_".
_NO_TISSUE = ("root", "tmacore", "detection", "cell", "tile")
_OLD_NAMES = ("Path", "TMA")
_UNCLASSIFIED = "without class"
# No scanner makes a slide this wide; the sum of two such numbers is still exact.
_FARTHEST_PX = 1e9


@dataclass
class Objects:
    """The objects of a file, sorted.

    Attributes:
        tissue: Areas that count as tissue.
        ignored: Areas to be cut out of it.
        taken: How many objects of each class are tissue.
        cut_out: How many of each class are cut out of it.
        passed_over: How many of each kind or class are neither.
    """

    tissue: list[Polygon] = field(default_factory=list)
    ignored: list[Polygon] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    cut_out: Counter[str] = field(default_factory=Counter)
    passed_over: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        counts = {
            "taken as tissue": self.taken,
            "cut out": self.cut_out,
            "passed over": self.passed_over,
        }
        return (
            "; ".join(f"{what}: {_listed(count)}" for what, count in counts.items() if count)
            or "no objects"
        )


def sort_objects(where: str, features: list[dict]) -> Objects:
    """Sort the features of a file into tissue, areas to be cut out, and all others.

    Args:
        where: The file, for messages.
        features: GeoJSON features.

    Raises:
        SlideError: Names the feature whose geometry is missing, not closed or not finite.
    """
    objects = Objects()
    for number, feature in enumerate(features, start=1):
        kind, label = _kind(feature), class_name(feature) or _UNCLASSIFIED
        if kind in _NO_TISSUE:
            objects.passed_over[f"{kind} ({label})"] += 1
            continue
        passed_over: Counter[str] = Counter()
        areas = list(_areas(f"{where}: feature {number}", feature.get("geometry"), passed_over))
        objects.passed_over += passed_over
        if is_ignored(feature):
            objects.ignored += areas
            objects.cut_out[label] += bool(areas)
        else:
            objects.tissue += areas
            objects.taken[label] += bool(areas)
    objects.cut_out, objects.taken = +objects.cut_out, +objects.taken
    return objects


def class_name(feature: Mapping[str, Any]) -> str:
    """Return the class of an object as QuPath shows it, "Tumor: Positive"; "" where it has none."""
    return ": ".join(_class_names(feature))


def is_ignored(feature: Mapping[str, Any]) -> bool:
    """Tell whether a class, or one it derives from, ends in "*": QuPath ignores those."""
    return any(name.endswith("*") for name in _class_names(feature))


def _class_names(feature: Mapping[str, Any]) -> list[str]:
    properties = feature.get("properties")
    found = properties.get("classification") if isinstance(properties, dict) else None
    if isinstance(found, dict):
        found = found.get("names") or found.get("name")
    parts = found if isinstance(found, list) else [found]
    texts = [str(part) for part in parts if part is not None and not isinstance(part, dict | list)]
    return [name for text in texts for part in text.split(":") if (name := part.strip())]


def _kind(feature: Mapping[str, Any]) -> str:
    """Return the kind of an object: "annotation", "tmacore" and so on; "" where not stated."""
    properties = feature.get("properties")
    stated = properties if isinstance(properties, dict) else {}
    name = stated.get("objectType") or stated.get("object_type")
    if name is None and str(feature.get("id", "")).startswith(_OLD_NAMES):
        name = feature["id"]
    plain = str(name or "").replace("_", "")
    return plain.removeprefix("Path").removesuffix("Object").lower()


def _areas(where: str, geometry: object, passed_over: Counter[str]) -> Iterator[Polygon]:
    """Yield the polygons of a geometry; what has no area is counted and passed over."""
    match geometry:
        case {"type": "Polygon", "coordinates": list(rings)}:
            yield from _polygon(where, rings, passed_over)
        case {"type": "MultiPolygon", "coordinates": list(parts)}:
            for rings in parts:
                yield from _polygon(where, rings, passed_over)
        case {"type": "GeometryCollection", "geometries": list(members)}:
            for member in members:
                yield from _areas(where, member, passed_over)
        case {"type": str(kind)}:
            passed_over[kind] += 1
        case _:
            raise SlideError(f"{where} has no geometry")


def _polygon(where: str, rings: Any, passed_over: Counter[str]) -> Iterator[Polygon]:  # noqa: ANN401
    if not isinstance(rings, list) or not all(isinstance(ring, list) for ring in rings):
        raise SlideError(f"{where} has a corner that is no pair of numbers")
    if not rings or not rings[0]:
        passed_over["empty part"] += 1
        return
    outline, *holes = (_ring(where, ring) for ring in rings if ring)
    yield Polygon(outline, holes)


def _ring(where: str, ring: list) -> list[tuple[float, float]]:
    try:
        points = [(float(point[0]), float(point[1])) for point in ring]
    except (TypeError, ValueError, IndexError, KeyError, OverflowError) as error:
        raise SlideError(f"{where} has a corner that is no pair of numbers") from error
    if not np.isfinite(points).all():
        raise SlideError(f"{where} has a corner that is not finite")
    if np.abs(points).max() > _FARTHEST_PX:
        raise SlideError(f"{where} has a corner more than {_FARTHEST_PX:g} px away")
    if len(points) < 4 or points[0] != points[-1]:
        raise SlideError(f"{where} is not closed: its last corner must repeat its first")
    return points


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
