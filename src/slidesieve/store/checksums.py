"""Checksums of contents: what a file is judged by when it is used again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.store.atomic import write_text

_BLOCK_BYTES = 1 << 22
# Formats whose pixels lie in a folder beside the file, of the same name.
_WITH_FOLDER = (".mrxs", ".vms", ".vmu")


def slide_sha256(path: Path) -> str:
    """Hash the whole content of a slide, with the files that belong to it.

    Args:
        path: The slide's file. MIRAX and Hamamatsu slides have a folder beside it, DICOM slides
            have their other instances there, and OME-Zarr slides are folders themselves.

    Returns:
        SHA-256 (hex); "" where there is nothing to read.
    """
    digest = hashlib.sha256()
    try:
        parts = list(_parts_of_slide(path))
        for part in parts:
            if len(parts) > 1:
                digest.update(f"{part.relative_to(path.parent)} {part.stat().st_size}\n".encode())
            with part.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest() if parts else ""


def arrays_sha256(arrays: Mapping[str, NDArray]) -> str:
    """Hash names, types, shapes and values of arrays; an array counts as in C order."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _parts_of_slide(path: Path) -> Iterator[Path]:
    """Yield the files of a slide in a fixed order; no pipes and devices, which would never end."""
    if path.is_file():
        yield path
    folder = path.with_suffix("") if path.suffix.lower() in _WITH_FOLDER else path
    if folder.is_dir():
        yield from sorted(part for part in folder.rglob("*") if part.is_file())
    if path.suffix.lower() == ".dcm":
        yield from sorted(p for p in path.parent.glob("*.dcm") if p.is_file() and p != path)


def file_sha256(path: Path) -> str:
    """Hash the content of one file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_sha256(*paths: Path) -> None:
    """Put the checksum of files on record beside them, for audits of what nothing else tells."""
    for path in paths:
        write_text(_record_of(path), file_sha256(path) + "\n")


def is_as_recorded(path: Path) -> bool:
    """Whether a file still holds what `record_sha256` saw; without a record it does not."""
    record = _record_of(path)
    return record.is_file() and record.read_text().strip() == file_sha256(path)


def _record_of(path: Path) -> Path:
    return path.parent / ".sha256" / f"{path.name}.txt"
