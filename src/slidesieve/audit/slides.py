"""Audit of what was made of each slide: tissue, tiles, features."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from slidesieve.audit.findings import Finding, PathOf, examine, intact_problems, version_problems
from slidesieve.cohort.slides import Slide
from slidesieve.config.study import Dataset
from slidesieve.extraction.extractor import features_fingerprint
from slidesieve.plan import layout
from slidesieve.slide.open import slide_fingerprint
from slidesieve.store.checksums import slide_sha256
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.store.hdf5 import read_stage_version
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import coords_attributes, read_tiles
from slidesieve.tissue.geojson import read_tissue


def audit_slide(
    dataset: Dataset, slide: Slide, encoders: Mapping[str, Mapping], at: PathOf
) -> Iterator[Finding]:
    """Audit the files of one slide.

    Args:
        dataset: The slide's dataset.
        slide: The slide.
        encoders: Encoders by id.
        at: Gives the dataset's file of a pattern of `plan.layout`.
    """
    sha256 = cache(lambda: "" if slide.path is None else slide_sha256(slide.path))
    tissue_path = at(layout.TISSUE, slide=slide.slide_id)
    tiles_path = at(layout.TILES, slide=slide.slide_id)
    yield from examine(tissue_path, lambda: _tissue_problems(tissue_path, slide))
    yield from examine(tiles_path, lambda: _tiles_problems(tiles_path, slide, dataset))
    overview = at(layout.OVERVIEW, slide=slide.slide_id)
    yield from examine(overview, lambda: _picture_problems(overview))
    for encoder in encoders:
        path = at(layout.FEATURES, encoder=encoder, slide=slide.slide_id)
        yield from examine(path, partial(_features_problems, path, tiles_path, slide, sha256))


def _picture_problems(path: Path) -> Iterator[str]:
    with Image.open(path) as picture:
        if not picture.load():
            yield "holds no pixels"


def _fingerprint(slide: Slide) -> str:
    return "" if slide.path is None else slide_fingerprint(slide.path)


def _tissue_problems(path: Path, slide: Slide) -> Iterator[str]:
    tissue = read_tissue(path)
    if tissue.edited:
        return
    if tissue.slide_id != slide.slide_id:
        yield f"is about slide {tissue.slide_id!r}"
    yield from _status_problems(tissue.status, tissue.reason, tissue.n_contours, "polygons")
    yield from version_problems("tissue", tissue.stage_version)
    if tissue.fingerprint != _fingerprint(slide):
        yield "was made from a slide file that has changed since"


def _tiles_problems(path: Path, slide: Slide, dataset: Dataset) -> Iterator[str]:
    yield from intact_problems(path)
    tiles = read_tiles(path)
    if tiles.slide_id != slide.slide_id:
        yield f"is about slide {tiles.slide_id!r}"
    yield from _status_problems(tiles.status, tiles.reason, len(tiles.coords), "tiles")
    yield from version_problems("tiles", read_stage_version(path))
    yield from coords_problems(tiles.coords)
    if tiles.fingerprint != _fingerprint(slide):
        yield "was made from a slide file that has changed since"
    spec = tiles.spec
    if spec is None:
        return
    for name in ("tile_px", "target_mpp"):
        if getattr(spec, name) != dataset.settings[name]:
            yield f"{name} is {getattr(spec, name)}, the config says {dataset.settings[name]}"
    if abs(spec.size_level0 * spec.slide_mpp - spec.tile_um) > spec.slide_mpp:
        yield f"tiles of {spec.size_level0} level-0 px are not {spec.tile_um:g} µm wide"
    if len(tiles.coords):
        yield from _outside_problems(tiles)


def _outside_problems(tiles: TileSet) -> Iterator[str]:
    far = tiles.coords + tiles.known_spec.size_level0
    outside = (tiles.coords < 0).any(axis=1) | (far > (tiles.width, tiles.height)).any(axis=1)
    if outside.any():
        x, y = tiles.coords[outside.argmax()]
        yield f"{outside.sum()} tiles reach beyond the slide, the first at x={x}, y={y}"


def _features_problems(
    path: Path, tiles_path: Path, slide: Slide, slide_content: Callable[[], str]
) -> Iterator[str]:
    yield from intact_problems(path)
    features, tiles = read_features(path), read_tiles(tiles_path)
    if features.slide_sha256 != slide_content():
        yield "was made from a slide file whose content has changed since"
    n_tokens = len(features.features)
    if features.slide_id != slide.slide_id:
        yield f"is about slide {features.slide_id!r}"
    yield from _status_problems(features.status, features.reason, n_tokens, "features")
    yield from version_problems("features", read_stage_version(path))
    if features.features.dtype not in (np.float16, np.float32):
        yield f"features are {features.features.dtype}, not float16 or float32"
    n_bad = int((~np.isfinite(features.features)).any(axis=1).sum())
    if n_bad:
        yield f"{n_bad} of {n_tokens} tokens hold NaN or Inf"
    yield from _neighbour_problems(features, tiles)


def count_strangers(coords: NDArray[np.int64], known: NDArray[np.int64]) -> int:
    """Return how many corners, (N, 2), are none of the known ones, (M, 2)."""
    corners = {tuple(corner) for corner in known.tolist()}
    return sum(tuple(corner) not in corners for corner in coords.tolist())


def _neighbour_problems(features: FeatureSet, tiles: TileSet) -> Iterator[str]:
    """Problems between the features and the tiles they were made of."""
    n_tokens = len(features.features)
    if features.status == "ok" and n_tokens + features.n_dropped != len(tiles.coords):
        yield (
            f"{n_tokens} tokens and {features.n_dropped} dropped tiles, "
            f"but the tiles file has {len(tiles.coords)}"
        )
    n_strange = count_strangers(features.coords, tiles.coords)
    if n_strange:
        yield f"{n_strange} coords are not in the tiles file"
    yield from coords_problems(features.coords)
    stored = {key: value for key, value in coords_attributes(tiles).items() if value is not None}
    for key, value in stored.items():
        if features.tile_attributes.get(key) != value:
            found = features.tile_attributes.get(key)
            yield f"coords attribute {key} is {found!r}, the tiles file says {value!r}"
    identity = [
        features.encoder,
        features.encoder_revision,
        features.transform,
        features.pooling,
        features.precision,
    ]
    if features.fingerprint != features_fingerprint(tiles, identity):
        yield "does not match its fingerprint: made from other tiles or by another encoder"


def coords_problems(coords: np.ndarray) -> Iterator[str]:
    """Faults of a list of tile corners: another type, or a tile twice."""
    if coords.dtype != np.int64 or coords.ndim != 2 or coords.shape[1] != 2:
        yield f"coords are {coords.dtype} {coords.shape}, not int64 (N, 2)"
    elif len(np.unique(coords, axis=0)) != len(coords):
        yield f"{len(coords) - len(np.unique(coords, axis=0))} tiles stand in coords twice"


def _status_problems(status: str, reason: str, count: int, things: str) -> Iterator[str]:
    if status not in ("ok", "empty", "failed"):
        yield f"status {status!r} is not ok, empty or failed"
    elif (status == "ok") != (count > 0):
        yield f"status is {status} but it has {count} {things}"
    if status != "ok" and not reason:
        yield f"status is {status} without a reason"
