"""From a path to an open slide, or to a reason fit for the cohort table."""

from __future__ import annotations

import hashlib
from pathlib import Path

from slidesieve.errors import SlideError
from slidesieve.slide.array_reader import is_zarr
from slidesieve.slide.base import SlideReader
from slidesieve.slide.registry import AUTO, open_by, open_by_any

_MEBIBYTE = 1 << 20


def open_slide(path: Path, reader: str = "auto") -> SlideReader:
    """Open a slide.

    Args:
        path: The slide's file; of formats of many files (MIRAX, DICOM), the one OpenSlide wants; of
            OME-Zarr its folder.
        reader: A name of `slidesieve.slide.registry.READERS` to force that reader, "tiled-half" for
            "tiled" with a level more, see `TiledReader`; "auto" takes the first that can.

    Returns:
        A reader, to be closed by the caller.

    Raises:
        SlideError: The file is missing, a folder, empty, not permitted, no readable slide, or not
            one for the reader asked for.
    """
    try:
        if not path.exists():
            raise SlideError(f"{path} does not exist; check column path of the sample sheet")
        is_folder = path.is_dir()
        is_empty = not is_folder and _is_empty(path)
    except OSError as error:  # no permission, a name too long
        raise SlideError(f"{path} cannot be read: {error.strerror}") from error
    if is_folder and not is_zarr(path):
        raise SlideError(f"{path} is a folder; give the slide's file")
    if is_empty:
        raise SlideError(f"{path.name} is an empty file")
    return open_by_any(path) if reader == AUTO else open_by(reader, path)


def slide_fingerprint(path: Path) -> str:
    """Identify a slide's file without reading all of it.

    Args:
        path: Any file, readable as a slide or not. Of formats of many files only this one counts.

    Returns:
        SHA-256 (hex) over its size and its first and last MiB; of a folder (OME-Zarr) over names
        and sizes of its files; "" when there is no such file.
    """
    try:
        if path.is_dir():
            return _listing_sha256(path)
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_MEBIBYTE)
            file.seek(max(0, size - _MEBIBYTE))
            tail = file.read(_MEBIBYTE)
    except OSError:
        return ""
    return hashlib.sha256(size.to_bytes(8, "little") + head + tail).hexdigest()


def _listing_sha256(folder: Path) -> str:
    listing = [
        f"{file.relative_to(folder)} {file.stat().st_size}"
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    return hashlib.sha256("\n".join(listing).encode()).hexdigest()


def _is_empty(path: Path) -> bool:
    with path.open("rb") as file:
        return not file.read(1)
