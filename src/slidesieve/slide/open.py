"""From a path to an open slide, or to a reason fit for the cohort table."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path

from slidesieve.errors import SlideError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.openslide_reader import OpenSlideReader
from slidesieve.slide.tiled.reader import TiledReader
from slidesieve.slide.tiled.structure import DeclinedError

log = logging.getLogger(__name__)
_MEBIBYTE = 1 << 20


def open_slide(path: Path, reader: str = "auto") -> SlideReader:
    """Open a slide.

    Args:
        path: The slide's file; of formats of many files (MIRAX, DICOM), the one OpenSlide wants.
        reader: "tiled" or "openslide" to force that reader, "tiled-half" for the first with
            a level more, see `TiledReader`; "auto" takes "tiled" where it can, else "openslide".

    Returns:
        A reader, to be closed by the caller.

    Raises:
        SlideError: The file is missing, a folder, empty, not permitted, no readable slide, or not
            one for the reader asked for.
    """
    if path.is_dir():
        raise SlideError(f"{path} is a folder; give the slide's file")
    if not path.exists():
        raise SlideError(f"{path} does not exist; check column path of the sample sheet")
    try:
        with path.open("rb") as file:
            is_empty = not file.read(1)
    except OSError as error:
        raise SlideError(f"{path} cannot be read: {error.strerror}") from error
    if is_empty:
        raise SlideError(f"{path.name} is an empty file")
    if reader == "openslide":
        return OpenSlideReader(path)
    try:
        return TiledReader(path, with_half_scale=reader == "tiled-half")
    except DeclinedError as reason:
        if reader != "auto":
            raise SlideError(
                f"{path.name} cannot be read by the {reader} reader: {reason}; set `reader: auto`"
            ) from reason
        log.info("%s is read by OpenSlide: %s", path.name, reason)
        return OpenSlideReader(path)


def slide_fingerprint(path: Path) -> str:
    """Identify a slide's file without reading all of it.

    Args:
        path: Any file, readable as a slide or not. Of formats of many files only this one counts.

    Returns:
        SHA-256 (hex) over its size and its first and last MiB; "" when there is no such file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_MEBIBYTE)
            file.seek(max(0, size - _MEBIBYTE))
            tail = file.read(_MEBIBYTE)
    except OSError:
        return ""
    return hashlib.sha256(size.to_bytes(8, "little") + head + tail).hexdigest()
