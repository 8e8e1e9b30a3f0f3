"""Reading and writing that all HDF5 files of SlideSieve share."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from slidesieve import __version__
from slidesieve.errors import ContractError, SlideSieveError
from slidesieve.store.atomic import atomic_path

SCHEMA_VERSION = 1
_CHUNK_BYTES = 1 << 19
_CHECKSUM = "content_sha256"
_CHECKED_ROWS = 65536
# What h5py and numpy raise for a damaged file, deep inside it too.
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, OverflowError, MemoryError)


@contextmanager
def create(path: Path, attributes: Mapping[str, object]) -> Iterator[h5py.File]:
    """Open a new HDF5 file for writing that appears at `path` only when it is complete.

    It gets a checksum of all that it holds, see `is_intact`.
    """
    with atomic_path(path) as partial, h5py.File(partial, "w") as file:
        set_attributes(file, attributes)
        file.attrs["schema_version"] = SCHEMA_VERSION
        file.attrs["slidesieve_version"] = __version__
        yield file
        file.attrs[_CHECKSUM] = _content_sha256(file)


@contextmanager
def open_read(path: Path) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Raises:
        ContractError: The file is missing, is no HDF5 file, or is damaged where it is read.
    """
    try:
        file = h5py.File(path, "r")
    except _DAMAGE as error:
        raise ContractError(f"{path}: cannot be opened as HDF5 ({error})") from error
    with file:
        try:
            yield file
        except SlideSieveError:
            raise
        except _DAMAGE as error:
            raise ContractError(
                f"{path}: is damaged ({type(error).__name__}: {error}); delete it to have it "
                "made again, or get it anew"
            ) from error


def own_values(file: h5py.File, name: str) -> NDArray:
    """Read a dataset whose values lie in this very file.

    A link, or a virtual or external dataset, can name any file that we may read; and where its
    source is missing, HDF5 gives zeros.

    Raises:
        ContractError: It is none, or its values lie elsewhere or were never written.
    """
    where = f"{file.filename}: {name!r}"
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ContractError(f"{where} is a link; copy the values into the file (h5repack)")
    node = file[name]
    if not isinstance(node, h5py.Dataset):
        raise ContractError(f"{where} is a group, not a dataset")
    if node.is_virtual or node.external:
        raise ContractError(f"{where} takes its values from other files; copy them into this one")
    if node.size and not _is_written(node):
        raise ContractError(f"{where} was not written to its end; make the file again")
    return node[()]


def _is_written(dataset: h5py.Dataset) -> bool:
    """Whether all values of a dataset are in the file; HDF5 fills in zeros for the others."""
    if dataset.chunks is None:
        return dataset.id.get_storage_size() > 0
    expected = math.prod(
        -(-side // chunk) for side, chunk in zip(dataset.shape, dataset.chunks, strict=True)
    )
    return dataset.id.get_num_chunks() == expected


def is_intact(path: Path) -> bool:
    """Whether a file of ours still holds what was written; one without a checksum does not.

    Raises:
        ContractError: The file cannot be read.
    """
    with open_read(path) as file:
        return file.attrs.get(_CHECKSUM) == _content_sha256(file)


def _content_sha256(file: h5py.File) -> str:
    """Hash all attributes and datasets of a file, however HDF5 lays them out."""
    digest = hashlib.sha256()

    def add(name: str, node: h5py.Group | h5py.Dataset) -> None:
        attributes = sorted(plain_attributes(node).items())
        digest.update(f"{name} {[pair for pair in attributes if pair[0] != _CHECKSUM]}".encode())
        if isinstance(node, h5py.Dataset):
            digest.update(f"{node.dtype.str} {node.shape}".encode())
            for start in range(0, len(node), _CHECKED_ROWS):
                digest.update(np.ascontiguousarray(node[start : start + _CHECKED_ROWS]).tobytes())

    add("", file)
    file.visititems(add)
    return digest.hexdigest()


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


def read_fingerprint(path: Path) -> str:
    """Fingerprint of the inputs of a file of ours, "" where it does not say."""
    with open_read(path) as file:
        return str(plain_attributes(file).get("fingerprint", ""))
