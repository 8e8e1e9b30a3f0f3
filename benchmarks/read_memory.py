"""Peak memory of reading a slide of 100,000 x 100,000 px with 16 threads, off the stored grid.

The slide's one level repeats the stored tiles of a small painted one, so it is written in seconds.
Rows of tiles as wide as the slide are read, which is the worst case: what is kept is one row of
stored tiles and what threads are at. The limit to hold is 500 MB, imports and all.

    python benchmarks/read_memory.py [--side 100000] [--threads 16] [--rows 24] [--stored-px 240]
"""

from __future__ import annotations

import argparse
import itertools
import resource
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile

from slidesieve.slide.open import open_slide
from slidesieve.store.tile_records import TileSet
from slidesieve.synthetic.painter import paint_large
from slidesieve.tiling.spec import choose_tile_spec
from slidesieve.tiling.stream import stream_tiles

LIMIT_MB = 500


def main() -> None:
    """Write the slide in another process, read it in this one, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=100_000, help="of the slide, px")
    parser.add_argument("--stored-px", type=int, default=240, help="side of its stored tiles")
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rows", type=int, default=24, help="rows of tiles to read")
    parser.add_argument("--mpp", type=float, default=0.5, help="0.25 reads 512 px for 256")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        slide = Path(folder) / "huge.svs"
        with ProcessPoolExecutor(1, get_context("spawn")) as writer:
            writer.submit(write_huge, slide, options.side, options.stored_px).result()
        tiles = rows_of_tiles(slide, options.rows, options.mpp)
        before = peak_mb()
        count = sum(stream_tiles(slide, tiles, options.threads, lambda chunk: len(chunk.rows)))
        print(
            f"{options.side} px, stored tiles of {options.stored_px}, {options.threads} threads, "
            f"{count} tiles: peak {peak_mb():.0f} MB (before reading {before:.0f}); "
            f"limit {LIMIT_MB}"
        )


def peak_mb() -> float:
    """Largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def rows_of_tiles(slide: Path, rows: int, mpp: float) -> TileSet:
    """Rows of 256 px tiles at 0.5 um a px that start off the stored tiles."""
    with open_slide(slide, "tiled") as reader:
        width, height = reader.width, reader.height
    spec = choose_tile_spec(mpp, (1.0,), 256, 256, 0.5)
    xs = range(101, width - spec.size_level0, spec.size_level0)
    ys = itertools.islice(range(101, height, spec.size_level0), rows)
    coords = np.array([(x, y) for y in ys for x in xs], dtype=np.int64)
    return TileSet("huge", coords=coords, spec=spec, width=width, height=height)


def write_huge(path: Path, side: int, stored_px: int) -> None:
    """Write a slide of one level that repeats 64 JPEG tiles of a painted one."""
    jpegs = painted_jpegs(path.with_name("small.svs"), stored_px)
    across = -(-side // stored_px)
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        tiff.write(
            itertools.islice(itertools.cycle(jpegs), across * across),
            shape=(side, side, 3),
            dtype=np.uint8,
            tile=(stored_px, stored_px),
            photometric="rgb",
            compression="jpeg",
            description="Aperio made for a benchmark|MPP = 0.5",
            metadata=None,
        )


def painted_jpegs(path: Path, stored_px: int) -> list[bytes]:
    """Tiles of a painted slide as JPEGs whose components are RGB."""
    paint_large(path, side_px=8 * stored_px, cell_px=1024)
    with open_slide(path) as reader:
        pixels = reader.read_region(0, 0, 0, 8 * stored_px, 8 * stored_px)
    return list(_jpegs(pixels, stored_px))


def _jpegs(pixels: np.ndarray, side: int) -> Iterator[bytes]:
    for top, left in itertools.product(range(0, len(pixels), side), repeat=2):
        tile = np.ascontiguousarray(pixels[top : top + side, left : left + side])
        yield imagecodecs.jpeg8_encode(tile, level=85, colorspace="rgb", outcolorspace="rgb")


if __name__ == "__main__":
    main()
