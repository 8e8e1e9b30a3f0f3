"""Features and coords of any origin as arrays we can trust, or refused with the file's name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import ContractError

_FLOATS = ("float16", "float32", "float64")


def as_features(values: NDArray, path: Path) -> NDArray[np.floating]:
    """Return features (N, D) from (N, D), or from (1, N, D) as TRIDENT's batches of one are.

    Raises:
        ContractError: They have another shape, no width, or hold no real floating-point numbers.
    """
    if values.dtype.name not in _FLOATS:
        raise ContractError(
            f"{path}: features are {values.dtype}, expected float16, float32 or float64"
        )
    features = _as_rows(values, path, "features")
    if features.shape[1] == 0:
        raise ContractError(f"{path}: features have shape {features.shape}, so each is empty")
    return features


def as_coords(values: NDArray | None, n_tokens: int, path: Path) -> NDArray[np.int64]:
    """Return corners (N, 2) in whole px; zeros for a bag that does not say where its tiles lie.

    Raises:
        ContractError: They have another shape or number, or are no finite numbers.
    """
    if values is None:
        # Heat maps are impossible, training is not.
        return np.zeros((n_tokens, 2), dtype=np.int64)
    if values.dtype.kind not in "iuf":
        raise ContractError(f"{path}: coords are {values.dtype}, expected numbers")
    coords = _as_rows(values, path, "coords")
    if coords.shape[1] != 2:
        raise ContractError(f"{path}: coords have shape {coords.shape}, expected (N, 2)")
    if len(coords) != n_tokens:
        raise ContractError(f"{path}: {n_tokens} features but {len(coords)} coords")
    if not (np.abs(coords) < 2.0**53).all():  # NaN is not below anything
        raise ContractError(f"{path}: coords hold NaN, Inf or numbers that are no places")
    return np.rint(coords).astype(np.int64) if coords.dtype.kind == "f" else coords.astype(np.int64)


def finite_problem(features: NDArray[np.floating]) -> str:
    """Say how many features (N, D) are no finite numbers in single precision; "" if none."""
    with np.errstate(over="ignore"):
        finite = np.isfinite(features.astype(np.float32)).all(axis=1)
    n_bad = int((~finite).sum())
    return f"{n_bad} of {len(features)} tokens hold NaN or Inf" if n_bad else ""


def _as_rows(table: NDArray, path: Path, name: str) -> NDArray:
    if table.ndim == 3 and table.shape[0] == 1:
        table = table[0]
    if table.ndim != 2:
        raise ContractError(f"{path}: {name} has shape {table.shape}, expected (N, D)")
    return table
