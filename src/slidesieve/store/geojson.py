"""GeoJSON files: a feature a line, with a member of our own for what GeoJSON has no place for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from slidesieve.store.atomic import write_text

HEADER = "slidesieve"


def write_features(
    path: Path, features: Iterable[Mapping[str, object]], header: Mapping[str, object]
) -> None:
    """Write a FeatureCollection atomically; the same content gives the same bytes.

    Args:
        path: The file.
        features: GeoJSON features, coordinates in level-0 px.
        header: Becomes the collection's member `slidesieve`, which other programs pass over.
    """
    lines = ",\n".join(
        json.dumps(feature, separators=(",", ":"), allow_nan=False) for feature in features
    )
    write_text(
        path,
        '{"type": "FeatureCollection",\n'
        f'"{HEADER}": {json.dumps(header, indent=1)},\n'
        f'"features": [\n{lines}\n]}}\n',
    )
