"""Speed of reading tiles: ours against the decoder alone, OpenSlide, and peers where installed.

One process, one slide, all tiles of a grid on the stored tiles and of one off them. The limit is
decoding the stored tiles with imagecodecs in a loop; the peers read tile after tile.

    python benchmarks/read_tiles.py [--slide FILE] [--tiles 4000] [--repeats 3]

Peers: pip install cucim-cu12 tiffslide
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import openslide
import tifffile

from slidesieve.slide.open import open_slide
from slidesieve.store.tile_records import TileSet
from slidesieve.tiling.spec import choose_tile_spec
from slidesieve.tiling.stream import stream_tiles

OFF_GRID_PX = 101


def main() -> None:
    """Measure and print; every number is a ratio to the decoder alone on one core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slide", type=Path)
    parser.add_argument("--side", type=int, default=16_000, help="of the painted slide, px")
    parser.add_argument("--tiles", type=int, default=4000, help="most tiles to read")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = options.slide or Path(folder) / "painted.svs"
        if options.slide is None:
            from slidesieve.synthetic.painter import paint_large

            paint_large(path, options.side)
        compare(path, options.tiles, options.repeats)


def compare(path: Path, most_tiles: int, repeats: int) -> None:
    """Time everything on one slide; rounds go over all ways, so that a slow minute hits all."""
    with open_slide(path, "tiled") as slide:
        stored = slide._levels[0]
    grids = {
        "on": grid(stored, 0, most_tiles),
        "off": grid(stored, OFF_GRID_PX, most_tiles),
    }
    ways: dict[str, Callable[[], int]] = {}
    for threads in (1, 2):
        ways[f"imagecodecs, stored tiles, {threads}"] = decoder_alone(path, threads, most_tiles)
    for name, tiles in grids.items():
        for threads in (1, 2):
            ways[f"tiled, {name} the grid, {threads}"] = ours(path, tiles, threads)
        for peer in peers():
            for threads in (1, 2):
                ways[f"{peer.__name__}, {name} the grid, {threads}"] = peer(path, tiles, threads)
    best = dict.fromkeys(ways, 0.0)
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            count = way()
            best[name] = max(best[name], count / (time.perf_counter() - start))
    limit = best["imagecodecs, stored tiles, 1"]
    print(
        f"{path.name}: {stored.tile_width} px {stored.packing}, {limit:.0f} stored tiles/s = 1.00"
    )
    for name, speed in best.items():
        print(f"{speed / limit:5.2f}  {name} thread{'s' * name.endswith('2')}")


def grid(stored, offset: int, most: int) -> TileSet:
    """Tiles of the stored tiles' size, row after row, from an offset on both axes."""
    side = stored.tile_width
    xs = range(offset, stored.width - side, side)
    ys = range(offset, stored.height - side, side)
    coords = np.array([(x, y) for y in ys for x in xs][:most], dtype=np.int64)
    spec = choose_tile_spec(0.5, (1.0,), side, side, 0.5)
    return TileSet("s", coords=coords, spec=spec, width=stored.width, height=stored.height)


def ours(path: Path, tiles: TileSet, threads: int) -> Callable[[], int]:
    """The stream of the features stage, its tiles thrown away."""
    return lambda: sum(stream_tiles(path, tiles, threads, process=lambda chunk: len(chunk.rows)))


def decoder_alone(path: Path, threads: int, most: int) -> Callable[[], int]:
    """Decode the stored tiles of level 0 from memory."""
    with tifffile.TiffFile(path) as tiff:
        page, file = tiff.pages[0], tiff.filehandle
        spans = list(zip(page.dataoffsets, page.databytecounts, strict=True))[:most]
        data = [file.seek(offset) and file.read(length) for offset, length in spans]
        tables, is_jpeg2000 = page.jpegtables, int(page.compression) == 33005
        space = "YCBCR" if int(page.photometric) == 6 else "RGB"

    def decode(part: list[bytes]) -> None:
        for one in part:
            if is_jpeg2000:
                imagecodecs.jpeg2k_decode(one, numthreads=1)
            else:
                imagecodecs.jpeg8_decode(one, tables=tables, colorspace=space, outcolorspace="RGB")

    def run() -> int:
        if threads == 1:
            decode(data)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(decode, [data[start::threads] for start in range(threads)]))
        return len(data)

    return run


def peers() -> Iterator[Callable]:
    """Readers of others, those that are installed."""
    yield openslide_tiles
    if find_spec("cucim"):
        yield cucim_tiles
    if find_spec("tiffslide"):
        yield tiffslide_tiles


def openslide_tiles(path: Path, tiles: TileSet, threads: int) -> Callable[[], int]:
    """A read_region a tile and one slide a thread, as most pipelines do."""
    return per_tile(lambda: openslide.OpenSlide(path), openslide_tile, tiles, threads)


def openslide_tile(slide, x: int, y: int, side: int) -> np.ndarray:
    """RGB of one tile."""
    return np.asarray(slide.read_region((x, y), 0, (side, side)).convert("RGB"))


def tiffslide_tiles(path: Path, tiles: TileSet, threads: int) -> Callable[[], int]:
    """The same with tiffslide."""
    from tiffslide import TiffSlide

    return per_tile(
        lambda: TiffSlide(path),
        lambda slide, x, y, side: slide.read_region((x, y), 0, (side, side), as_array=True),
        tiles,
        threads,
    )


def per_tile(open_one: Callable, read: Callable, tiles: TileSet, threads: int) -> Callable:
    """Read tile by tile in threads that open the slide once each."""
    side = tiles.spec.read_px

    def run() -> int:
        local = threading.local()

        def work(corner: list[int]) -> None:
            if not hasattr(local, "slide"):
                local.slide = open_one()
            read(local.slide, *corner, side)

        if threads == 1:
            for corner in tiles.coords.tolist():
                work(corner)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for _ in pool.map(work, tiles.coords.tolist()):
                    pass
        return len(tiles.coords)

    return run


def cucim_tiles(path: Path, tiles: TileSet, threads: int) -> Callable[[], int]:
    """Batches of cuCIM, on the CPU."""
    from cucim import CuImage

    side = tiles.spec.read_px

    def run() -> int:
        slide = CuImage(str(path))
        batches = slide.read_region(
            tiles.coords.tolist(), (side, side), level=0, num_workers=threads, batch_size=16
        )
        return sum(len(np.asarray(batch).reshape(-1, side, side, 3)) for batch in batches)

    return run


if __name__ == "__main__":
    main()
