"""The features of a dataset at a glance: one row per slide, and what makes the run stop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from slidesieve.errors import ContractError
from slidesieve.sheets.regular_files import irregularity
from slidesieve.store.checksums import arrays_sha256
from slidesieve.store.feature_endings import FEATURE_ENDINGS
from slidesieve.store.features import (
    FeatureHeader,
    is_ours,
    read_feature_header,
    read_features,
    values_sha256,
)
from slidesieve.store.hdf5 import is_intact
from slidesieve.store.token_arrays import finite_problem

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


def index_features(
    slide_ids: Sequence[str],
    paths: Mapping[str, Path],
    header_of: Callable[[Path], FeatureHeader] = read_feature_header,
) -> pd.DataFrame:
    """List the features of slides.

    Args:
        slide_ids: The dataset's slides in the order of its sheet.
        paths: Features file of each slide that has one.
        header_of: Reads what a file holds: that of our own files, or `header_of_ready`.

    Raises:
        ContractError: A file of ours breaks its contract, or slides were encoded differently.
    """
    rows: list[dict[str, object]] = []
    usable: dict[Path, FeatureHeader] = {}
    for slide_id in tqdm(slide_ids, desc="features", unit="slide", disable=None):
        path = paths.get(slide_id)
        found = _missing(slide_id) if path is None else header_of(path)
        if path is not None and found.status == "ok":
            usable[path] = found
        rows.append(asdict(found) | {"slide_id": slide_id, "path": str(path or "")})
    _refuse_mixture(usable)
    return pd.DataFrame(rows, columns=COLUMNS)


def header_of_ready(path: Path) -> FeatureHeader:
    """The header of a ready-made features file; its numbers are checked and hashed.

    A file that cannot be used is a failed slide with its reason, and stops no other.
    """
    if problem := irregularity(path):
        return _unusable(path.stem, f"{path}: {problem}")
    try:
        if is_ours(path):
            header = read_feature_header(path)
            if is_intact(path):
                return header
            return _unusable(path.stem, f"{path} does not hold what was written; get it anew")
        found = read_features(path)
    except ContractError as error:
        return _unusable(path.stem, str(error))
    if problem := finite_problem(found.features):
        advice = "make the features of this slide again, or take it out of the sheet"
        return _unusable(path.stem, f"{path}: {problem}; {advice}")
    n_tokens, width = found.features.shape
    return FeatureHeader(
        slide_id=found.slide_id,
        status="ok" if n_tokens else "empty",
        reason="" if n_tokens else "the features file holds no tokens",
        fingerprint=arrays_sha256({"features": found.features, "coords": found.coords}),
        slide_sha256="",
        features_sha256=values_sha256(found.features) if n_tokens else "",
        n_dropped=0,
        encoder=found.encoder,
        encoder_revision=found.encoder_revision,
        n_tokens=n_tokens,
        width=width,
    )


def _missing(slide_id: str) -> FeatureHeader:
    endings = ", ".join(FEATURE_ENDINGS)
    reason = f"the features folder holds no file named {slide_id} ({endings})"
    return _unusable(slide_id, reason)


def _unusable(slide_id: str, reason: str) -> FeatureHeader:
    return FeatureHeader(
        slide_id=slide_id,
        status="failed",
        reason=reason,
        fingerprint="",
        slide_sha256="",
        features_sha256="",
        n_dropped=0,
        encoder="",
        encoder_revision="",
        n_tokens=0,
        width=0,
    )


def _refuse_mixture(headers: Mapping[Path, FeatureHeader]) -> None:
    for name in ("width", "encoder", "encoder_revision"):
        first_with: dict[object, Path] = {}
        count: Counter[object] = Counter()
        for path, header in headers.items():
            value = getattr(header, name)
            first_with.setdefault(value, path)
            count[value] += 1
        if len(first_with) > 1:
            paths = " and ".join(map(str, first_with.values()))
            values = " and ".join(f"{value!r}" for value in first_with)
            files = ", ".join(map(str, count.values()))
            raise ContractError(
                f"{paths} differ in {name} ({values}; {files} files); features of different "
                "encoders must not mix: encode the slides with one, or name two datasets"
            )
