"""The features file: one embedding a tile, and where that tile lies.

`features` (N, D) float16 or float32 and `coords` int64 (N, 2), row for row. Files that TRIDENT,
CLAM or STAMP wrote (HDF5, and tensors in .pt) are read as well, and CSVs as SlideChat's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import ContractError
from slidesieve.stages import STAGES
from slidesieve.store import hdf5
from slidesieve.store.checksums import arrays_sha256
from slidesieve.store.feature_csv import read_feature_csv
from slidesieve.store.feature_endings import CSV_ENDINGS, PLAIN_ENDINGS
from slidesieve.store.stamp import from_stamp, is_stamp
from slidesieve.store.tensor_files import read_tensor_file
from slidesieve.store.token_arrays import as_coords, as_features

# Ours, TRIDENT's and CLAM's; STAMP's.
_FEATURES = ("features", "feats")


@dataclass(frozen=True)
class FeatureSet:
    """The tokens of one slide.

    Attributes:
        slide_id: The slide.
        features: (N, D) float16 or float32.
        coords: (N, 2) int64, top-left corners in level-0 px.
        encoder: Name of the encoder; empty where a foreign file does not say.
        encoder_revision: What pins its weights.
        encoder_source: Where they came from, in words.
        transform: How tiles were brought to the encoder.
        pooling: How the encoder's output became one vector.
        precision: Arithmetic of the encoder, "fp32", "fp16" or "bf16".
        status: "ok", "empty" or "failed".
        reason: Why not ok.
        fingerprint: Of all inputs.
        slide_sha256: Of the content of the slide as it was read; "" where unknown.
        n_dropped: Tiles that could not be decoded and were left out.
        tile_attributes: Attributes of `coords`, those of the tiles file.
        reader: Name of the slide reader; "" where a foreign file does not say.
    """

    slide_id: str
    features: NDArray[np.floating]
    coords: NDArray[np.int64]
    encoder: str = ""
    encoder_revision: str = ""
    encoder_source: str = ""
    transform: str = ""
    pooling: str = ""
    precision: str = ""
    status: str = "ok"
    reason: str = ""
    fingerprint: str = ""
    slide_sha256: str = ""
    n_dropped: int = 0
    tile_attributes: dict[str, object] = field(default_factory=dict)
    reader: str = ""


@dataclass(frozen=True)
class FeatureHeader:
    """The header of a features file; the names are those of `FeatureSet`.

    Attributes:
        features_sha256: Of the values of its features, see `values_sha256`.
        n_tokens: N.
        width: D.
    """

    slide_id: str
    status: str
    reason: str
    fingerprint: str
    n_dropped: int
    slide_sha256: str
    features_sha256: str
    encoder: str
    encoder_revision: str
    n_tokens: int
    width: int


_FILE_FIELDS = ("slide_id", "status", "reason", "fingerprint", "slide_sha256", "n_dropped")
_ENCODER_FIELDS = (
    *("encoder", "encoder_revision", "encoder_source"),
    *("transform", "pooling", "precision"),
)


def write_features(path: Path, features: FeatureSet) -> None:
    """Write a slide's features; a slide without any is a valid file with N = 0 and its status."""
    attributes = {name: getattr(features, name) for name in _FILE_FIELDS}
    attributes |= {"stage_version": STAGES["features"], "reader": features.reader}
    # Slides without tokens are not alike by that.
    attributes["features_sha256"] = (
        values_sha256(features.features) if len(features.features) else ""
    )
    with hdf5.create(path, attributes) as file:
        dataset = hdf5.write_rows(file, "features", features.features)
        hdf5.set_attributes(dataset, {name: getattr(features, name) for name in _ENCODER_FIELDS})
        dataset = hdf5.write_rows(file, "coords", features.coords)
        hdf5.set_attributes(dataset, features.tile_attributes)


def read_features(path: Path) -> FeatureSet:
    """Read the features of one slide: HDF5 of ours, TRIDENT, CLAM or STAMP, a .pt tensor, a CSV.

    Raises:
        ContractError: The file holds no features in a form we know.
    """
    if path.suffix in PLAIN_ENDINGS:
        read = read_feature_csv if path.suffix in CSV_ENDINGS else read_tensor_file
        values, coords = read(path)
        features = as_features(values, path)
        return FeatureSet(path.stem, features, as_coords(coords, len(features), path))
    with hdf5.open_read(path) as file:
        name = next((name for name in _FEATURES if name in file), None)
        if name is None:
            held = ", ".join(file) or "nothing"
            raise ContractError(f"{path}: no dataset 'features' (it holds: {held})")
        header = hdf5.plain_attributes(file)
        features = as_features(hdf5.own_values(file, name), path)
        encoder = hdf5.plain_attributes(file[name])
        coords, tile_attributes = None, {}
        if "coords" in file:
            coords = hdf5.own_values(file, "coords")
            tile_attributes = hdf5.plain_attributes(file["coords"])
    if is_stamp(header):
        coords, tile_attributes, encoder = from_stamp(header, coords)
    return FeatureSet(
        **{"slide_id": path.stem} | {name: header[name] for name in _FILE_FIELDS if name in header},
        **{name: encoder[name] for name in _ENCODER_FIELDS if name in encoder},
        reader=header.get("reader", ""),
        features=features,
        coords=as_coords(coords, len(features), path),
        tile_attributes=tile_attributes,
    )


def read_feature_header(path: Path) -> FeatureHeader:
    """Read what a features file of ours says of itself, without its numbers.

    Raises:
        ContractError: The file is no features file of SlideSieve.
    """
    with hdf5.open_read(path) as file:
        if "features" not in file or "fingerprint" not in file.attrs:
            raise ContractError(f"{path}: not a features file of SlideSieve")
        header = hdf5.plain_attributes(file)
        encoder = hdf5.plain_attributes(file["features"])
        n_tokens, width = file["features"].shape
    missing = [name for name in (*_FILE_FIELDS, "features_sha256") if name not in header]
    if missing:
        raise ContractError(
            f"{path}: {', '.join(missing)} is missing; delete it to have it made again"
        )
    return FeatureHeader(
        **{name: header[name] for name in _FILE_FIELDS},
        features_sha256=header["features_sha256"],
        encoder=encoder["encoder"],
        encoder_revision=encoder["encoder_revision"],
        n_tokens=n_tokens,
        width=width,
    )


def values_sha256(features: NDArray[np.floating]) -> str:
    """Hash the values of features (N, D), whatever their precision in the file."""
    return arrays_sha256({"features": features.astype(np.float32)})


def read_tile_attributes(path: Path) -> dict[str, object]:
    """Read the attributes of `coords`: scale, sizes and extent; empty where a file has none."""
    if path.suffix in PLAIN_ENDINGS:
        return {}
    with hdf5.open_read(path) as file:
        header = hdf5.plain_attributes(file)
        if is_stamp(header):
            return from_stamp(header, None)[1]
        return hdf5.plain_attributes(file["coords"]) if "coords" in file else {}


def is_ours(path: Path) -> bool:
    """Whether SlideSieve wrote this features file, and so checked its numbers."""
    if path.suffix in PLAIN_ENDINGS:
        return False
    with hdf5.open_read(path) as file:
        return "slidesieve_version" in file.attrs and "features_sha256" in file.attrs
