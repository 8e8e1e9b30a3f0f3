"""The tile images of a slide in one ZIP, for those who want the patches themselves."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from slidesieve.errors import SlideError
from slidesieve.store.atomic import atomic_path
from slidesieve.store.tile_records import TileSet
from slidesieve.tiling.stream import TileChunk, stream_tiles

# The earliest time a ZIP can hold, so that the same tiles make the same bytes.
_TIMELESS = (1980, 1, 1, 0, 0, 0)


def write_tile_images(
    path: Path, tiles: TileSet, out: Path, quality: int = 90, workers: int = 2
) -> int:
    """Write the tiles of a slide as JPEGs `{x}_{y}.jpg`, named by their level-0 corner.

    One uncompressed ZIP a slide: millions of small files are what file systems bear worst, and
    most loaders read members of a ZIP as fast as files. Its comment is JSON with slide_id, status,
    reason, fingerprint of the tiles and n_dropped. Tiles that cannot be decoded are left out; a
    slide that is not "ok" or cannot be opened gives a valid ZIP without members.

    Args:
        path: The slide.
        tiles: Its tiles.
        out: The ZIP to write, atomically.
        quality: JPEG quality, 1 to 100.
        workers: Number of threads that read and compress.

    Returns:
        The number of tiles written.
    """
    status, reason, n_written = tiles.status, tiles.reason, 0
    with atomic_path(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        if tiles.status == "ok":
            try:
                n_written = _write_members(archive, path, tiles, quality, workers)
            except SlideError as error:
                status, reason = "failed", str(error)
        comment = {
            "slide_id": tiles.slide_id,
            "status": status,
            "reason": reason,
            "fingerprint": tiles.fingerprint,
            "n_dropped": len(tiles.coords) - n_written,
        }
        archive.comment = json.dumps(comment).encode()
    return n_written


def _write_members(
    archive: zipfile.ZipFile, path: Path, tiles: TileSet, quality: int, workers: int
) -> int:
    def compress(chunk: TileChunk) -> list[tuple[int, bytes]]:
        jpegs = [_jpeg(image, quality) for image in chunk.images]
        return list(zip(chunk.rows.tolist(), jpegs, strict=True))

    n_written = 0
    with tqdm(total=len(tiles.coords), unit="tile", desc=tiles.slide_id, disable=None) as bar:
        for members in stream_tiles(path, tiles, workers, process=compress):
            for row, jpeg in members:
                x, y = tiles.coords[row].tolist()
                archive.writestr(zipfile.ZipInfo(f"{x}_{y}.jpg", _TIMELESS), jpeg)
            n_written += len(members)
            bar.update(len(members))
    return n_written


def _jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    # Colour at full size: stains differ in hue, and most slides keep it so.
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, options)
    return encoded.tobytes()
