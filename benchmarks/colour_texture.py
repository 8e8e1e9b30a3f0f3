"""Speed of colour_texture: tiles a second on one core, where the time goes, how threads scale.

    python benchmarks/colour_texture.py [--tiles FOLDER] [--side 256] [--rounds 20]

The limit to hold is 300 tiles of 256 px a second on one core. Times are CPU times of the thread,
the best of all rounds over a batch, so that a busy machine disturbs them little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from slidesieve.encoders.colour_texture import encoder as colour_texture
from slidesieve.encoders.colour_texture.planes import take_apart
from slidesieve.extraction.processes import EncoderProcesses

TARGET_TILES_PER_S = 300
TILES_A_ROUND = 16


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tiles", type=Path, help="folder of tile images; painted ones without")
    parser.add_argument("--side", type=int, default=256, help="side of the tiles in px")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    tiles = read_tiles(options.tiles, options.side) if options.tiles else paint_tiles(options.side)

    encoder = colour_texture.ColourTexture()
    seconds = seconds_a_tile(encoder.encode, tiles, options.rounds)
    print(f"colour_texture, {encoder.dim} numbers, {len(tiles)} tiles of {options.side} px")
    print(f"one core: {1 / seconds:.0f} tiles/s ({seconds * 1e3:.2f} ms a tile)")
    print(f"limit for 256 px: {TARGET_TILES_PER_S} tiles/s")
    print_profile(tiles, options.rounds)
    print_scaling(tiles)


def print_profile(tiles: np.ndarray, rounds: int) -> None:
    """Print the share of each group of measurements, run on its own."""
    print_part("planes", seconds_a_tile(lambda batch: [*map(take_apart, batch)], tiles, rounds))
    planes = [take_apart(tile) for tile in tiles]
    for group in colour_texture._GROUPS:
        name = group.__name__.rpartition(".")[2]
        print_part(name, seconds_a_tile(group.measure, planes, rounds))


def print_part(name: str, seconds: float) -> None:
    """Print what a part takes of a tile's time."""
    print(f"  {name:16s} {seconds * 1e6:6.0f} µs a tile")


def print_scaling(tiles: np.ndarray) -> None:
    """Print throughput by wall clock: what the interpreter lock leaves of two threads."""
    encoder = colour_texture.ColourTexture()
    for threads in (1, 2):
        print_rate(f"{threads} threads", threads, encoder.encode, tiles)
    for processes in (1, 2):
        with EncoderProcesses(encoder, processes, tiles.shape) as pool:
            print_rate(
                f"{processes} processes",
                processes,
                lambda batch: pool.submit(batch).result(),
                tiles,
            )


def print_rate(name: str, threads: int, encode: Callable, tiles: np.ndarray) -> None:
    """Print tiles a second of a function that threads call."""
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        for _ in pool.map(encode, [tiles] * 32):
            pass
        seconds = time.perf_counter() - start
    print(f"{name}: {32 * len(tiles) / seconds:.0f} tiles/s by the clock")


def seconds_a_tile(function: Callable[[Sequence], object], batch: Sequence, rounds: int) -> float:
    """CPU seconds of the fastest round, shared out over the batch."""
    best = float("inf")
    for _ in range(rounds):
        start = time.thread_time()
        function(batch)
        best = min(best, time.thread_time() - start)
    return best / len(batch)


def read_tiles(folder: Path, side: int) -> np.ndarray:
    """Read images under a folder, resized to the side asked for."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".jpeg", ".jpg", ".png"))
    chosen = paths[:: max(1, len(paths) // TILES_A_ROUND)][:TILES_A_ROUND]
    images = [cv2.imread(str(path), cv2.IMREAD_COLOR_RGB) for path in chosen]
    return np.stack([cv2.resize(image, (side, side)) for image in images])


def paint_tiles(side: int) -> np.ndarray:
    """Paint tiles with nuclei, fibres and noise, about as busy as H&E."""
    rng = np.random.default_rng(0)
    tiles = np.empty((TILES_A_ROUND, side, side, 3), dtype=np.uint8)
    for tile in tiles:
        texture = cv2.GaussianBlur(rng.normal(0, 60, (side, side, 3)), (0, 0), 2)
        tile[:] = np.clip(np.array([225, 165, 205]) + texture, 0, 255)
        for x, y, radius in rng.integers((0, 0, 4), (side, side, 9), (side * side // 1200, 3)):
            cv2.circle(tile, (int(x), int(y)), int(radius), (95, 60, 140), -1)
        tile[:] = cv2.GaussianBlur(tile, (0, 0), 0.8)
    return tiles


if __name__ == "__main__":
    main()
