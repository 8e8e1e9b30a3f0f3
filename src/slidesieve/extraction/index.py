"""The features of a dataset at a glance: one row a slide, and what makes the run stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from slidesieve.errors import ContractError
from slidesieve.store.checksums import arrays_sha256
from slidesieve.store.features import (
    FeatureHeader,
    is_ours,
    read_feature_header,
    read_features,
    values_sha256,
)

COLUMNS = [
    "slide_id",
    "path",
    "status",
    "reason",
    "n_tokens",
    "n_dropped",
    "width",
    "encoder_revision",
    "fingerprint",
    "features_sha256",
]


def index_features(slide_ids: Sequence[str], paths: Mapping[str, Path]) -> pd.DataFrame:
    """List the features of slides, ours and ready-made ones alike.

    Of our own files only the header is read. Of ready-made ones the numbers are checked and
    hashed, so that the table changes whenever they do.

    Args:
        slide_ids: The dataset's slides in the order of its sheet.
        paths: Features file of each slide that has one.

    Raises:
        ContractError: A file breaks its contract, features are not finite, or slides were encoded
            differently.
    """
    rows: list[dict[str, object]] = []
    first: tuple[Path, FeatureHeader] | None = None
    for slide_id in tqdm(slide_ids, desc="features", unit="slide", disable=None):
        path = paths.get(slide_id)
        found = _missing(slide_id) if path is None else _header(path)
        if path is not None and found.status == "ok":
            first = first or (path, found)
            _refuse_mixture(*first, path, found)
        rows.append(asdict(found) | {"slide_id": slide_id, "path": str(path or "")})
    return pd.DataFrame(rows, columns=COLUMNS)


def _header(path: Path) -> FeatureHeader:
    return read_feature_header(path) if is_ours(path) else _header_of_foreign(path)


def _header_of_foreign(path: Path) -> FeatureHeader:
    found = read_features(path)
    if not np.isfinite(found.features).all():
        bad = int((~np.isfinite(found.features).all(axis=1)).sum())
        raise ContractError(
            f"{path}: {bad} of {len(found.features)} tokens hold NaN or Inf; "
            "make the features of this slide again, or take it out of the sheet"
        )
    n_tokens, width = found.features.shape
    content = arrays_sha256({"features": found.features, "coords": found.coords})
    return FeatureHeader(
        slide_id=found.slide_id,
        status="ok" if n_tokens else "empty",
        reason="" if n_tokens else "the features file holds no tokens",
        fingerprint=content,
        slide_sha256="",
        features_sha256=values_sha256(found.features) if n_tokens else "",
        n_dropped=0,
        encoder=found.encoder,
        encoder_revision=found.encoder_revision,
        n_tokens=n_tokens,
        width=width,
    )


def _missing(slide_id: str) -> FeatureHeader:
    return FeatureHeader(
        slide_id=slide_id,
        status="failed",
        reason=f"the features folder holds no file named {slide_id} (.h5, .hdf5, .pt or .pth)",
        fingerprint="",
        slide_sha256="",
        features_sha256="",
        n_dropped=0,
        encoder="",
        encoder_revision="",
        n_tokens=0,
        width=0,
    )


def _refuse_mixture(
    first_path: Path, first: FeatureHeader, other_path: Path, other: FeatureHeader
) -> None:
    for name in ("width", "encoder", "encoder_revision"):
        a, b = getattr(first, name), getattr(other, name)
        if a != b:
            raise ContractError(
                f"{first_path} and {other_path} differ in {name} ({a!r} and {b!r}); features of "
                "different encoders must not mix: encode the slides with one, or name two datasets"
            )
