"""GeoJSON files: a feature a line, with a member of our own for what GeoJSON has no place for."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from slidesieve.store.atomic import write_text

HEADER = "slidesieve"
ORIGINS = ("bounds", "level0")
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "slidesieve.geojson")


class Origin(NamedTuple):
    """Where the coordinates of a GeoJSON file start.

    QuPath shows the scanned area alone where a slide states one (MIRAX, Leica SCN, Ventana BIF),
    and counts from its corner; everybody else counts from the corner of level 0.

    Attributes:
        name: "bounds", the corner of the scanned area, or "level0".
        x: Of that corner, level-0 px; None while the slide has not been asked.
        y: The same downwards.
    """

    name: str = "level0"
    x: int | None = 0
    y: int | None = 0

    @property
    def is_known(self) -> bool:
        """Whether coordinates can be told in level-0 px."""
        return self.x is not None and self.y is not None

    @property
    def corner(self) -> tuple[int, int]:
        """The corner in level-0 px, (0, 0) while it is not known."""
        return self.x or 0, self.y or 0


def origin_at(name: str, corner: tuple[int, int]) -> Origin:
    """Return the origin of that name on a slide whose scanned area has its corner there."""
    return Origin(name, *corner) if name == "bounds" else Origin(name)


def stated_origin(header: Mapping[str, object]) -> Origin | None:
    """Return what the member `slidesieve` says of the origin, None where it says nothing."""
    name = header.get("origin")
    if name == "level0":
        return Origin()
    if name != "bounds":
        return None
    x, y = header.get("origin_x"), header.get("origin_y")
    if isinstance(x, int) and isinstance(y, int):
        return Origin("bounds", x, y)
    return Origin("bounds", None, None)


def stable_id(*parts: object) -> str:
    """Return a UUID that depends on the parts alone: QuPath does not import an object twice."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def write_features(
    path: Path,
    features: Iterable[Mapping[str, object]],
    header: Mapping[str, object],
    origin: Origin,
) -> None:
    """Write a FeatureCollection atomically; the same content gives the same bytes.

    Args:
        path: The file.
        features: GeoJSON features, coordinates in level-0 px counted from `origin`.
        header: Becomes the collection's member `slidesieve`, which other programs pass over.
        origin: Is recorded in that member.
    """
    stated = {"origin": origin.name, "origin_x": origin.x, "origin_y": origin.y}
    lines = ",\n".join(
        json.dumps(feature, separators=(",", ":"), allow_nan=False) for feature in features
    )
    write_text(
        path,
        '{"type": "FeatureCollection",\n'
        f'"{HEADER}": {json.dumps(stated | dict(header), indent=1)},\n'
        f'"features": [\n{lines}\n]}}\n',
    )
