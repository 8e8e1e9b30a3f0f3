"""One stored tile, from its bytes to its pixels.

Decoders are at least as strict as OpenSlide's: where it refuses a tile, so do they. What they
refuse and OpenSlide would take is settled by asking it, see `TiledReader`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import imagecodecs
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from slidesieve.slide.tiled.jpeg import head_length, whole_head
from slidesieve.slide.tiled.structure import StoredLevel

Tile = NDArray[np.uint8]


class StoredTileError(Exception):
    """A stored tile is missing, damaged or unusual."""


class LostTileError(StoredTileError):
    """A stored tile lies beyond the end of the file: no reader can have it."""


def tile_decoder(level: StoredLevel) -> Callable[[bytes, Tile], None]:
    """The decoder of a level's tiles.

    Returns:
        A thread-safe function that takes a tile's bytes and a contiguous array of its shape,
        (tile_height, tile_width, 3), which it fills with RGB. It raises `StoredTileError` for bytes
        that do not hold such a tile, and never allocates much more than a tile.
    """
    if level.packing == "jpeg":
        return _JpegDecoder(level)
    unpack = _decode_jpeg2000 if level.packing == "jpeg2000" else _decode_lossless

    def decode(data: bytes, out: Tile) -> None:
        try:
            out[:] = unpack(data, level)
        except (ValueError, RuntimeError, NotImplementedError, struct.error) as error:
            raise StoredTileError(f"{level.packing}: {error}") from error

    return decode


class _JpegDecoder:
    """Decodes JPEG tiles; remembers the last head, for nearly all tiles of a level share one."""

    def __init__(self, level: StoredLevel) -> None:
        self._level = level
        self._heads = (b"", b"")

    def __call__(self, data: bytes, out: Tile) -> None:
        level = self._level
        try:
            stored, whole = self._heads
            end = len(stored)
            if not (end and data.startswith(stored) and data[end : end + 2] == b"\xff\xda"):
                end = head_length(data)
                whole = whole_head(
                    data[:end],
                    level.jpeg_tables,
                    level.is_ycbcr,
                    level.tile_width * level.shrink,
                    level.tile_height * level.shrink,
                )
                self._heads = (data[:end], whole)
            simplejpeg.decode_jpeg(
                whole + data[end:],
                "RGB",
                min_width=level.tile_width,
                min_height=level.tile_height,
                min_factor=level.shrink,
                buffer=out,
            )
        except ValueError as error:
            raise StoredTileError(f"jpeg: {error}") from error


def _decode_jpeg2000(data: bytes, level: StoredLevel) -> Tile:
    # SOC and SIZ markers: size and components are checked before anything is allocated for them.
    if data[:4] != b"\xff\x4f\xff\x51":
        raise ValueError("no codestream")
    right, lower, left, top, tile_width, tile_height = struct.unpack_from(">6I", data, 8)
    (n_components,) = struct.unpack_from(">H", data, 40)
    size = (level.tile_width, level.tile_height)
    if (right, lower) != size or (left, top) != (0, 0) or n_components != 3:
        raise ValueError("not three components of the due size")
    if not (tile_width and tile_height):
        raise ValueError("empty tiles")
    if data[42:51] != b"\x07\x01\x01" * 3:
        raise ValueError("not 8 bits per component at full size")
    return imagecodecs.jpeg2k_decode(data, numthreads=1)


def _decode_lossless(data: bytes, level: StoredLevel) -> Tile:
    shape = (level.tile_height, level.tile_width, 3)
    n_bytes = level.tile_height * level.tile_width * 3
    is_deflated = level.packing == "deflate"
    raw = imagecodecs.zlib_decode(data, out=n_bytes) if is_deflated else data
    if len(raw) != n_bytes:
        raise ValueError(f"{len(raw)} bytes where {n_bytes} are due")
    pixels = np.frombuffer(raw, np.uint8).reshape(shape)
    return imagecodecs.delta_decode(pixels, axis=1) if level.has_differences else pixels
