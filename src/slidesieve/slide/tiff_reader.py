"""TIFF files that OpenSlide does not read, or not as meant: through tifffile and imagecodecs.

OME-TIFF (levels in SubIFDs, scale in the XML), QPTIFF of bright-field slides, TIFF in strips, and
tiles packed as WebP, JPEG XL or JPEG 2000, in either byte order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from slidesieve.errors import TileReadError
from slidesieve.slide.base import DeclinedError, SlideReader
from slidesieve.slide.levels import take_levels
from slidesieve.slide.scale import stated_mpp
from slidesieve.slide.tiff_facts import tiff_objective, tiff_scale, tiff_vendor
from slidesieve.slide.tiled.cache import TileCache, TileKey
from slidesieve.slide.tiled.decode import StoredTileError

_CACHE_BYTES = 192 << 20
LARGEST_CHUNK_PX = 100_000_000
"""Most px of one stored tile or strip: it is decoded whole."""
CUT_OFF = "it is cut off"
_WHITE = (255, 255, 255)


class TiffReader(SlideReader):
    """A TIFF read by tifffile, stored chunk by stored chunk; threads may share it.

    Args:
        path: The slide's file.

    Raises:
        DeclinedError: It is no TIFF of 8-bit RGB or grey; the message is a clause.
    """

    name = "tiff"
    may_be_shared = True
    background = _WHITE

    def __init__(self, path: Path) -> None:
        try:
            self._tiff = tifffile.TiffFile(path)
        except Exception as error:
            # Damaged tags make tifffile fail in any way.
            raise DeclinedError(f"it is no TIFF that tifffile reads ({error!r:.200})") from error
        try:
            self._open_levels(path)
        except DeclinedError:
            self._tiff.close()
            raise
        except Exception as error:
            self._tiff.close()
            raise DeclinedError(f"its directories are damaged ({error!r:.200})") from error

    def _open_levels(self, path: Path) -> None:
        """Find the levels, their scale and their places in the file; damage fails in any way."""
        self._pages = _level_pages(self._tiff)
        for page in self._pages:
            _refuse_unusual(page)
        _refuse_cut_off(self._pages[0], path.stat().st_size)
        self._name = path.name
        self._file = os.open(path, os.O_RDONLY)
        self._cache = TileCache(self._decode, _CACHE_BYTES)
        try:
            self._describe()
        except Exception:
            os.close(self._file)
            raise

    def _describe(self) -> None:
        first = self._pages[0]
        self.mpp, self.mpp_note = stated_mpp(*tiff_scale(self._tiff, first))
        self.objective, self.vendor = tiff_objective(self._tiff), tiff_vendor(self._tiff)
        sizes = [(page.imagewidth, page.imagelength) for page in self._pages]
        take_levels(self, sizes, [_chunk(page)[::-1] for page in self._pages])

    def _read_into(
        self, region: NDArray[np.uint8], x_stated: int, y_stated: int, level: int
    ) -> None:
        page, step = self._pages[level], self.stated_downsamples[level]
        height, width = region.shape[:2]
        left, top = round(x_stated / step), round(y_stated / step)
        region[:] = self.background
        for number, chunk_left, chunk_top in _touched(page, left, top, width, height):
            try:
                pixels = self._cache.get((level, number))
            except StoredTileError as error:
                raise TileReadError(
                    f"{self._name}: {width}×{height} px of level {level} at level-0 "
                    f"({x_stated}, {y_stated}) cannot be decoded: {error}"
                ) from error
            # Tiles at the edge are stored whole; what lies beyond the level is no picture.
            inside = pixels[: page.imagelength - chunk_top, : page.imagewidth - chunk_left]
            _lay(inside, chunk_left - left, chunk_top - top, region)

    def close(self) -> None:
        """Release the file."""
        self._tiff.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _decode(self, key: TileKey) -> NDArray[np.uint8]:
        level, number = key
        page = self._pages[level]
        length = page.databytecounts[number]
        if length == 0:
            return np.full((*_chunk(page), 3), self.background, np.uint8)
        data = os.pread(self._file, length, page.dataoffsets[number])
        if len(data) < length:
            raise StoredTileError("it ends beyond the file")
        try:
            pixels, _, _ = page.decode(data, number, jpegtables=page.jpegtables)
        except Exception as error:
            # Each codec has errors of its own.
            raise StoredTileError(repr(error)[:200]) from error
        if pixels is None:
            raise StoredTileError("nothing came of it")
        return _as_rgb(pixels[0], page)


def _level_pages(tiff: tifffile.TiffFile) -> list[tifffile.TiffPage]:
    """Return the pages that hold the levels of the first picture, the widest first."""
    if tiff.is_ome or tiff.is_qpi:
        series = tiff.series[0]
        if len(series.pages) != 1:
            raise DeclinedError(
                f"it holds {len(series.pages)} separate planes ({series.axes}), as fluorescence "
                "does, and tissue is found by the colour of bright-field stains"
            )
        pages = [level.keyframe for level in series.levels]
    else:
        first, *others = (page for page in tiff.pages if isinstance(page, tifffile.TiffPage))
        pages = [first, *(page for page in others if page.subfiletype & 1)]
    return sorted(pages, key=lambda page: -page.imagewidth)


def _refuse_unusual(page: tifffile.TiffPage) -> None:
    if page.bitspersample != 8 or page.samplesperpixel not in (1, 3, 4):
        raise DeclinedError(
            f"its pixels have {page.samplesperpixel} channels of {page.bitspersample} bits, not "
            "8-bit RGB"
        )
    if page.samplesperpixel > 1 and int(page.planarconfig) != 1:
        raise DeclinedError("its colours are stored as separate planes")
    height, width = _chunk(page)
    if height * width > LARGEST_CHUNK_PX:
        raise DeclinedError(
            f"it is stored in pieces of {width}×{height} px, more than "
            f"{LARGEST_CHUNK_PX // 1_000_000} million; save it with tiles"
        )


def _refuse_cut_off(page: tifffile.TiffPage, file_bytes: int) -> None:
    ends = np.add(page.dataoffsets, page.databytecounts)
    lost = int((ends > file_bytes).sum())
    if lost:
        raise DeclinedError(f"{CUT_OFF}: {lost} of {len(ends)} stored pieces lie beyond its end")


def _chunk(page: tifffile.TiffPage) -> tuple[int, int]:
    """(height, width) of the stored tiles or strips of a page, px."""
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def _touched(
    page: tifffile.TiffPage, left: int, top: int, width: int, height: int
) -> Iterator[tuple[int, int, int]]:
    """Yield number, left and top (px of the level) of the chunks that a region touches."""
    chunk_height, chunk_width = _chunk(page)
    across = -(-page.imagewidth // chunk_width)
    right, bottom = min(left + width, page.imagewidth), min(top + height, page.imagelength)
    for row in range(max(0, top) // chunk_height, -(-bottom // chunk_height)):
        for column in range(max(0, left) // chunk_width, -(-right // chunk_width)):
            yield row * across + column, column * chunk_width, row * chunk_height


def _lay(pixels: NDArray[np.uint8], x: int, y: int, region: NDArray[np.uint8]) -> None:
    """Copy a chunk into a region, its corner at x, y of it; what lies outside is left out."""
    left, top = max(0, -x), max(0, -y)
    right = min(pixels.shape[1], region.shape[1] - x)
    bottom = min(pixels.shape[0], region.shape[0] - y)
    if left < right and top < bottom:
        region[y + top : y + bottom, x + left : x + right] = pixels[top:bottom, left:right]


def _as_rgb(pixels: NDArray[np.uint8], page: tifffile.TiffPage) -> NDArray[np.uint8]:
    """Return a decoded chunk as RGB."""
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=-1)
        if int(page.photometric) == 0:
            pixels = 255 - pixels
    return np.ascontiguousarray(pixels[..., :3])
