"""Where a TIFF slide keeps the tiles of its levels, and how they are packed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray

from slidesieve.slide.base import DeclinedError
from slidesieve.slide.tiled.jpeg import tables_body

# Formats that OpenSlide reads tile by tile as they lie in the file.
VENDORS = ("aperio", "generic-tiff")

# Not LZW: what libtiff makes of a damaged LZW tile depends on the tiles it has decoded before.
_PACKED_AS = {1: "none", 8: "deflate", 32946: "deflate", 7: "jpeg", 33005: "jpeg2000"}
_RGB, _YCBCR = 2, 6
_MAX_TILE_BYTES = 1 << 26


@dataclass(frozen=True)
class StoredLevel:
    """One pyramid level as it lies in the file.

    Attributes:
        width: Px.
        height: Px.
        tile_width: Width of a stored tile, px.
        tile_height: Height of a stored tile, px.
        packing: "jpeg", "jpeg2000", "deflate" or "none".
        is_ycbcr: Whether JPEG tiles hold YCbCr; RGB otherwise.
        has_differences: Whether rows hold differences of neighbouring px (TIFF predictor 2).
        jpeg_tables: Tables that the JPEG tiles share, without start and end marker.
        offsets: (n,) int64 where each tile starts in the file, row after row.
        byte_counts: (n,) int64 length of each; 0 where nothing is stored.
        shrink: 2 if all sizes above are half of those in the file, to which tiles are decoded.
    """

    width: int
    height: int
    tile_width: int
    tile_height: int
    packing: str
    is_ycbcr: bool
    has_differences: bool
    jpeg_tables: bytes
    offsets: NDArray[np.int64]
    byte_counts: NDArray[np.int64]
    shrink: int = 1

    @property
    def tiles_across(self) -> int:
        """Stored tiles in a row."""
        return -(-self.width // self.tile_width)

    @property
    def tiles_down(self) -> int:
        """Rows of stored tiles."""
        return -(-self.height // self.tile_height)


def read_structure(
    path: Path, vendor: str, level_dimensions: Sequence[tuple[int, int]]
) -> list[StoredLevel]:
    """Find the stored tiles of each level that OpenSlide shows.

    Args:
        path: The slide.
        vendor: Its format, as OpenSlide names it.
        level_dimensions: (width, height) of the levels, as OpenSlide orders them.

    Raises:
        DeclinedError: The file is of another format, or holds something unusual.
    """
    if vendor not in VENDORS:
        raise DeclinedError(f"its format is {vendor}")
    try:
        with tifffile.TiffFile(path) as tiff:
            pages = [page for page in tiff.pages if isinstance(page, tifffile.TiffPage)]
            tiled = [page for page in pages if page.is_tiled]
            return _levels(tiled, vendor, level_dimensions)
    except DeclinedError:
        raise
    except Exception as error:
        # Damaged tags make tifffile fail in any way; OpenSlide has its own opinion of them.
        raise DeclinedError(f"tifffile cannot read its structure ({error!r:.200})") from error


def halved(level: StoredLevel) -> StoredLevel | None:
    """A level as its decoder gives it at half scale; None if it cannot."""
    if level.packing != "jpeg" or level.tile_width % 2 or level.tile_height % 2:
        return None
    sides = ("width", "height", "tile_width", "tile_height")
    return replace(level, **{side: getattr(level, side) // 2 for side in sides}, shrink=2)


def _levels(
    tiled: list[tifffile.TiffPage], vendor: str, level_dimensions: Sequence[tuple[int, int]]
) -> list[StoredLevel]:
    if vendor == "generic-tiff":
        tiled = [page for page in tiled if page.index == 0 or page.subfiletype & 1]
        tiled.sort(key=lambda page: -page.imagewidth)
    found = [(page.imagewidth, page.imagelength) for page in tiled]
    if found != list(level_dimensions):
        raise DeclinedError(f"its levels {found} are not those OpenSlide shows")
    if len({width for width, _ in found}) < len(found):
        raise DeclinedError("two of its levels are equally wide")
    return [_level(page, vendor) for page in tiled]


def _level(page: tifffile.TiffPage, vendor: str) -> StoredLevel:
    packing = _PACKED_AS.get(int(page.compression))
    if packing is None or (packing == "jpeg2000" and vendor != "aperio"):
        raise DeclinedError(f"compression {int(page.compression)}")
    photometric, predictor = int(page.photometric), int(page.predictor)
    plain = {
        "bits per sample": (page.bitspersample, 8),
        "samples per pixel": (page.samplesperpixel, 3),
        "planar configuration": (int(page.planarconfig), 1),
        "image depth": (page.imagedepth, 1),
        "tile depth": (page.tiledepth, 1),
        "sample format": (int(page.sampleformat), 1),
        "fill order": (int(page.fillorder), 1),
        "extra samples": (len(page.extrasamples), 0),
        "orientation": (int(page.tags.valueof(274, default=1)), 1),
    }
    for name, (value, usual) in plain.items():
        if value != usual:
            raise DeclinedError(f"{name} {value}")
    if photometric != _RGB and (packing, photometric) != ("jpeg", _YCBCR):
        raise DeclinedError(f"{packing} of photometric {photometric}")
    if predictor not in (1, 2) or (predictor == 2 and packing != "deflate"):
        raise DeclinedError(f"{packing} with predictor {predictor}")
    if not 0 < page.tilewidth * page.tilelength * 3 <= _MAX_TILE_BYTES:
        raise DeclinedError(f"tiles of {page.tilewidth}×{page.tilelength} px")
    level = StoredLevel(
        width=page.imagewidth,
        height=page.imagelength,
        tile_width=page.tilewidth,
        tile_height=page.tilelength,
        packing=packing,
        is_ycbcr=photometric == _YCBCR,
        has_differences=predictor == 2,
        jpeg_tables=_tables(page) if packing == "jpeg" else b"",
        offsets=np.array(page.dataoffsets, dtype=np.int64),
        byte_counts=np.array(page.databytecounts, dtype=np.int64),
    )
    n_tiles = level.tiles_across * level.tiles_down
    if len(level.offsets) != n_tiles or len(level.byte_counts) != n_tiles:
        raise DeclinedError(f"{len(level.offsets)} tiles where {n_tiles} are due")
    return level


def _tables(page: tifffile.TiffPage) -> bytes:
    if not page.jpegtables:
        return b""
    try:
        return tables_body(page.jpegtables)
    except ValueError as error:
        raise DeclinedError(f"its JPEG tables are unusual ({error})") from error
