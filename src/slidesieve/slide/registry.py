"""The readers of slides, in the order in which they are asked, and what each needs.

A new reader is one file with a subclass of `SlideReader` that raises `DeclinedError` for what it
does not read, and one entry here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import tifffile

from slidesieve.errors import SlideError
from slidesieve.slide.array_reader import PictureReader, ZarrReader
from slidesieve.slide.base import DeclinedError, SlideReader
from slidesieve.slide.kinds import CONVERT, is_tiff, kind_of
from slidesieve.slide.openslide_reader import OpenSlideReader
from slidesieve.slide.tiff_reader import CUT_OFF, TiffReader
from slidesieve.slide.tiled.reader import TiledReader

log = logging.getLogger(__name__)

AUTO = "auto"


@dataclass(frozen=True)
class ReaderEntry:
    """One reader.

    Attributes:
        open: From a path to an open slide; raises `DeclinedError` or `SlideError`.
        formats: What it reads, in words.
        needs: Package that it needs beyond those of every installation; "" if none.
    """

    open: Callable[[Path], SlideReader]
    formats: str
    needs: str = ""

    @property
    def is_available(self) -> bool:
        """Whether its package is installed."""
        return not self.needs or find_spec(self.needs) is not None


READERS: dict[str, ReaderEntry] = {
    "tiled": ReaderEntry(TiledReader, "tiled TIFF and SVS: JPEG, JPEG 2000, deflate, plain"),
    "openslide": ReaderEntry(OpenSlideReader, "all that OpenSlide reads"),
    "tiff": ReaderEntry(
        TiffReader, "OME-TIFF, QPTIFF (H&E), strip TIFF; WebP, JPEG XL and JPEG 2000 tiles"
    ),
    "picture": ReaderEntry(PictureReader, "PNG and JPEG up to 100 million px"),
    "ome-zarr": ReaderEntry(ZarrReader, "OME-Zarr", needs="zarr"),
}
_VARIANTS: dict[str, Callable[[Path], SlideReader]] = {
    "tiled-half": partial(TiledReader, with_half_scale=True),
}


def open_by(name: str, path: Path) -> SlideReader:
    """Open a slide by one reader.

    Raises:
        SlideError: It does not read the slide.
    """
    opening = _VARIANTS.get(name) or READERS[name].open
    try:
        return opening(path)
    except DeclinedError as reason:
        raise SlideError(
            f"{path.name} cannot be read by the {name} reader: {reason}; set `reader: auto`"
        ) from reason


def open_by_any(path: Path) -> SlideReader:
    """Open a slide by the first reader that can.

    Raises:
        SlideError: None can; the message says what the file is and how to convert it.
    """
    reasons: dict[str, str] = {}
    for name in _order(path):
        try:
            slide = READERS[name].open(path)
        except (DeclinedError, SlideError) as reason:
            reasons[name] = str(reason)
            continue
        for other, reason_of_other in reasons.items():
            log.info("%s is not read by %s: %s", path.name, other, reason_of_other)
        return slide
    raise SlideError(_why_none(path, reasons))


def _order(path: Path) -> list[str]:
    if path.is_dir():
        return ["ome-zarr"]
    if not is_tiff(path):
        return ["tiled", "openslide", "picture"]
    # OpenSlide would open these, without their scale and their levels.
    has_own_levels = _is_ome_or_qptiff(path)
    return ["tiff", "tiled", "openslide"] if has_own_levels else ["tiled", "openslide", "tiff"]


def _is_ome_or_qptiff(path: Path) -> bool:
    try:
        with tifffile.TiffFile(path) as tiff:
            return bool(tiff.is_ome or tiff.is_qpi)
    except Exception:
        # Damaged tags make tifffile fail in any way; the readers say what is wrong.
        return False


def _why_none(path: Path, reasons: dict[str, str]) -> str:
    if "ome-zarr" in reasons:
        return f"{path.name}: {reasons['ome-zarr']}"
    by_openslide = reasons["openslide"]
    kind = kind_of(path)
    if kind in ("a PNG picture", "a JPEG picture"):
        return f"{path.name} is {kind}, and {reasons['picture']}"
    if kind:
        return f"{by_openslide}: it is {kind}; {CONVERT}"
    by_tiff = reasons.get("tiff", "")
    if not by_tiff or "no TIFF" in by_tiff or "cut off" in by_openslide:
        return by_openslide
    if by_tiff.startswith(CUT_OFF):
        return f"{path.name} is damaged: {by_tiff}"
    return by_openslide if "damaged" in by_openslide else f"{by_openslide}: {by_tiff}; {CONVERT}"
