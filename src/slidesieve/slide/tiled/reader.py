"""The reader of tiled TIFF slides: OpenSlide's pixels, each stored tile decoded once."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import TileReadError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.openslide_reader import OpenSlideReader
from slidesieve.slide.tiled.axis import Axis, axis_of
from slidesieve.slide.tiled.cache import TileCache, TileKey
from slidesieve.slide.tiled.decode import LostTileError, StoredTileError, tile_decoder
from slidesieve.slide.tiled.region import count_touches, draw_region, touched_tiles
from slidesieve.slide.tiled.structure import halved, read_structure

log = logging.getLogger(__name__)

_CACHE_BYTES = 192 << 20
_PIECE_PX = 4096  # OpenSlide reads larger regions in pieces, whose corners it rounds to level-0 px


class TiledReader(SlideReader):
    """A tiled TIFF whose stored tiles are decoded directly; threads may share it.

    OpenSlide opens the slide too. It says what levels there are, and reads each region that has a
    stored tile which is missing, or which our decoders refuse: so what it would refuse is refused,
    and what only it understands is read.

    Args:
        path: The slide's file.
        with_half_scale: Whether to show one level more where the pyramid has none down to 2: level
            0 as the JPEG decoder gives it at half scale, from a quarter of the frequencies of each
            block. Its px are not quite those of decoding and then averaging.

    Raises:
        SlideError: OpenSlide cannot open it.
        DeclinedError: It is a slide, but none for this reader; the message is a clause.
    """

    name = "tiled"
    may_be_shared = True

    def __init__(self, path: Path, with_half_scale: bool = False) -> None:
        slide = OpenSlideReader(path)
        try:
            self._levels = read_structure(path, slide.vendor, slide.level_dimensions)
        except BaseException:
            slide.close()
            raise
        self._openslide, self._openslide_lock = slide, threading.Lock()
        self.mpp, self.mpp_note = slide.mpp, slide.mpp_note
        self.objective, self.vendor = slide.objective, slide.vendor
        self.level_dimensions = slide.level_dimensions
        self.level_downsamples = slide.level_downsamples
        self.stated_downsamples = slide.stated_downsamples
        self.level_notes, self.bounds = slide.level_notes, slide.bounds
        self.background = slide.background
        if with_half_scale:
            self._insert_half_scale()
        self._decoders = [tile_decoder(level) for level in self._levels]
        self._name = path.name
        self._file = os.open(path, os.O_RDONLY)
        self._file_bytes = os.fstat(self._file).st_size
        self._cache = TileCache(self._decode, _CACHE_BYTES)

    @property
    def n_decoded(self) -> int:
        """Stored tiles decoded so far."""
        return self._cache.n_decoded

    def _expect(self, level: int, regions: NDArray[np.int64]) -> None:
        if regions[:, 2:].max(initial=0) > _PIECE_PX:
            pieces = [
                piece for region in regions.tolist() for piece in self._pieces(level, *region)
            ]
            regions = np.array(pieces, dtype=np.int64)[:, 2:]
        touches = count_touches(self._levels[level], self.stated_downsamples[level], regions)
        self._cache.announce({(level, tile): count for tile, count in touches.items()})

    def _read_into(
        self, region: NDArray[np.uint8], x_stated: int, y_stated: int, level: int
    ) -> None:
        height_px, width_px = region.shape[:2]
        # Every tile: what is done under Python's lock keeps other threads waiting.
        if max(height_px, width_px) <= _PIECE_PX:
            self._read_piece(region, x_stated, y_stated, level)
            return
        for top, left, x, y, *_ in self._pieces(level, x_stated, y_stated, width_px, height_px):
            piece = region[top : top + _PIECE_PX, left : left + _PIECE_PX]
            self._read_piece(piece, x, y, level)

    def close(self) -> None:
        """Release the file."""
        self._openslide.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _insert_half_scale(self) -> None:
        self.name = "tiled-half"
        half = halved(self._levels[0])
        if half is None or any(1 < step < 2.02 for step in self.level_downsamples):
            return
        self._levels.insert(1, half)
        full, *coarser = self.level_dimensions
        self.level_dimensions = (full, (half.width, half.height), *coarser)
        self.level_downsamples = (1.0, 2.0, *self.level_downsamples[1:])
        self.stated_downsamples = (1.0, 2.0, *self.stated_downsamples[1:])

    def _pieces(
        self, level: int, x: int, y: int, width: int, height: int
    ) -> Iterator[tuple[int, int, int, int, int, int]]:
        """Pieces of a region: top and left in it, then x, y (level-0 px), width and height."""
        downsample = self.stated_downsamples[level]
        for top in range(0, height, _PIECE_PX):
            for left in range(0, width, _PIECE_PX):
                yield (
                    top,
                    left,
                    int(x + left * downsample),
                    int(y + top * downsample),
                    min(_PIECE_PX, width - left),
                    min(_PIECE_PX, height - top),
                )

    def _read_piece(self, piece: NDArray[np.uint8], x: int, y: int, level: int) -> None:
        height, width = piece.shape[:2]
        across, down = self._axes(level, x, y, width, height)
        stored = self._levels[level]
        numbers = touched_tiles(stored, across, down)
        keys = [(level, number) for number in numbers]
        try:
            is_a_tile = across.spans_a_tile and down.spans_a_tile
            if is_a_tile and piece.flags.c_contiguous and self._cache.claim(keys[0]):
                self._decode(keys[0], piece)
                return
            tiles = {number: self._cache.get((level, number)) for number in numbers}
            draw_region(tiles, stored, across, down, self.background, piece)
        except LostTileError as error:
            # OpenSlide would first ask for as much memory as the tags say the tile has bytes.
            raise TileReadError(
                f"{self._name}: {width}×{height} px of level {level} at level-0 ({x}, {y}) "
                f"cannot be read: {error}"
            ) from error
        except StoredTileError as error:
            log.debug("region at level-0 (%d, %d) is left to OpenSlide: %s", x, y, error)
            with self._openslide_lock:
                self._read_by_openslide(piece, x, y, level)
        finally:
            self._cache.release(keys)

    def _read_by_openslide(self, piece: NDArray[np.uint8], x: int, y: int, level: int) -> None:
        height, width = piece.shape[:2]
        if self._levels[level].shrink == 2:
            pixels = self._openslide.read_region(x, y, 0, 2 * width, 2 * height)
            piece[:] = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
            return
        added = len(self._levels) - len(self._openslide.level_dimensions)
        self._openslide._read_into(piece, x, y, max(0, level - added))

    def _axes(self, level: int, x: int, y: int, width: int, height: int) -> tuple[Axis, Axis]:
        stored, downsample = self._levels[level], self.stated_downsamples[level]
        across = axis_of(x, downsample, width, stored.tile_width, stored.width)
        down = axis_of(y, downsample, height, stored.tile_height, stored.height)
        return across, down

    def _decode(self, key: TileKey, out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        level, number = key
        stored = self._levels[level]
        start, length = int(stored.offsets[number]), int(stored.byte_counts[number])
        if length == 0:
            raise StoredTileError("nothing is stored")
        if length < 0 or start < 0 or start + length > self._file_bytes:
            # libtiff corrects the sizes of tiles that it decodes itself, not of these two packings.
            is_lost = stored.packing in ("jpeg", "jpeg2000")
            error = LostTileError if is_lost else StoredTileError
            raise error(f"a tile of {length} bytes at {start} ends beyond the file")
        shape = (stored.tile_height, stored.tile_width, 3)
        tile = np.empty(shape, np.uint8) if out is None else out
        self._decoders[level](os.pread(self._file, length, start), tile)
        return tile
