"""What all HDF5 files of SlideSieve have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from slidesieve import __version__
from slidesieve.errors import ContractError
from slidesieve.store.atomic import atomic_path

SCHEMA_VERSION = 1
_CHUNK_BYTES = 1 << 19


@contextmanager
def create(path: Path, attributes: Mapping[str, object]) -> Iterator[h5py.File]:
    """Open a new HDF5 file for writing that appears at `path` only when it is complete."""
    with atomic_path(path) as partial, h5py.File(partial, "w") as file:
        set_attributes(file, attributes)
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["slidesieve_version"] = __version__
        yield file


@contextmanager
def open_read(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        ContractError: The file is missing or is no HDF5 file.
    """
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ContractError(f"{path}: cannot be opened as HDF5 ({error})") from error
    with file:
        yield file


def write_rows(file: h5py.File, name: str, rows: NDArray) -> h5py.Dataset:
    """Store a table in chunks of many whole rows, which is how it will be read."""
    if len(rows) == 0:
        return file.create_dataset(name, data=rows)
    row_bytes = max(1, rows[0].nbytes)
    chunk_rows = int(np.clip(_CHUNK_BYTES // row_bytes, 1, len(rows)))
    return file.create_dataset(name, data=rows, chunks=(chunk_rows, *rows.shape[1:]))


def set_attributes(node: h5py.File | h5py.Dataset, attributes: Mapping[str, object]) -> None:
    """Set attributes, leaving out those that are None."""
    for key, value in attributes.items():
        if value is not None:
            node.attrs[key] = value


def plain_attributes(node: h5py.File | h5py.Dataset) -> dict[str, Any]:
    """Attributes as plain Python values."""
    return {key: _plain(value) for key, value in node.attrs.items()}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value


def read_stage_version(path: Path) -> int | None:
    """Version of the stage that wrote a file, None where it does not say."""
    with open_read(path) as file:
        return plain_attributes(file).get("stage_version")
