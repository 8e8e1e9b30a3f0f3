"""Tiles of a slide read by a pool of threads, in order, a bounded number ahead."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import TileReadError
from slidesieve.runtime.thread_pool import thread_pool
from slidesieve.slide.base import SlideReader
from slidesieve.slide.open import open_slide
from slidesieve.store.tile_records import TileSet
from slidesieve.tiling.spec import read_tile

log = logging.getLogger(__name__)

CHUNK_TILES = 16  # few enough that every thread has work on small slides
_CHUNKS_AHEAD = 4  # beyond one a thread: decoded and not yet used

Result = TypeVar("Result")


@dataclass(frozen=True)
class TileChunk:
    """Some tiles of a slide, decoded; those that could not be are not among them.

    Attributes:
        rows: (n,) int64, which rows of the tile set these are, rising.
        images: (n, tile_px, tile_px, 3) uint8 RGB.
    """

    rows: NDArray[np.int64]
    images: NDArray[np.uint8]


def stream_tiles(
    path: Path, tiles: TileSet, workers: int, process: Callable[[TileChunk], Result]
) -> Generator[Result, None, None]:
    """Read all tiles of a slide and yield `process(chunk)` for chunk after chunk, in order.

    Threads share one reader if it may be shared, else each has its own; they run `process` too.
    They stay at most a few chunks ahead of the caller, so memory does not grow with the slide.
    The slide is opened by the reader that the tiles name.

    Args:
        path: The slide.
        tiles: Its tiles, with a spec.
        workers: Number of threads.
        process: Applied to each chunk by the thread that read it.

    Raises:
        SlideError: The slide cannot be opened.
    """
    starts = range(0, len(tiles.coords), CHUNK_TILES)
    with (
        _one_opencv_thread(),
        _Readers(path, tiles.reader or "auto") as readers,
        thread_pool(workers, "tiles") as pool,
    ):
        readers.reader_of_this_thread().expect(tiles.known_spec.level, _regions(tiles))

        def work(start: int) -> Result:
            return process(_read_chunk(readers.reader_of_this_thread(), tiles, start))

        yield from _in_order(pool, work, starts, ahead=workers + _CHUNKS_AHEAD)


def _read_chunk(reader: SlideReader, tiles: TileSet, start: int) -> TileChunk:
    asked = tiles.coords[start : start + CHUNK_TILES]
    side = tiles.known_spec.tile_px
    images = np.empty((len(asked), side, side, 3), dtype=np.uint8)
    rows: list[int] = []
    for row, (x, y) in enumerate(asked.tolist(), start):
        try:
            read_tile(reader, tiles.known_spec, x, y, out=images[len(rows)])
        except TileReadError as error:
            log.warning("slide %s: tile at x %d, y %d left out: %s", tiles.slide_id, x, y, error)
        else:
            rows.append(row)
    return TileChunk(np.array(rows, dtype=np.int64), images[: len(rows)])


def _regions(tiles: TileSet) -> NDArray[np.int64]:
    side = np.full((len(tiles.coords), 2), tiles.known_spec.read_px, dtype=np.int64)
    return np.hstack([tiles.coords, side])


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[int], Result], starts: range, ahead: int
) -> Generator[Result, None, None]:
    waiting: deque[Future[Result]] = deque()
    for start in starts:
        waiting.append(pool.submit(work, start))
        if len(waiting) >= ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


class _Readers:
    """One reader for all threads or one each; all are closed at the end."""

    def __init__(self, path: Path, reader: str) -> None:
        self._path, self._reader = path, reader
        self._local = threading.local()
        self._opened: list[SlideReader] = []

    def __enter__(self) -> _Readers:
        self._opened.append(open_slide(self._path, self._reader))
        self._local.reader = self._opened[0]
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._opened:
            reader.close()

    def reader_of_this_thread(self) -> SlideReader:
        if self._opened[0].may_be_shared:
            return self._opened[0]
        if not hasattr(self._local, "reader"):
            self._local.reader = open_slide(self._path, self._reader)
            self._opened.append(self._local.reader)
        return self._local.reader


@contextmanager
def _one_opencv_thread() -> Iterator[None]:
    # Tiles are the units of parallel work; OpenCV's own threads would only get in their way.
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
