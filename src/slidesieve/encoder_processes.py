"""An encoder in several processes, where threads would hold each other up.

`colour_texture` makes about a thousand calls a tile, most of a few microseconds, each of which
gives Python's interpreter lock away and must win it back: two threads were slower than one.
Processes have a lock each. Tiles reach them through memory they share, features come back as
messages.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
import queue
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.base import Encoder

CAN_FORK = sys.platform == "linux"  # elsewhere a fork may break the libraries that tiles go through

# What a child process was given at its birth; the parent never sets it.
_encoder: Encoder | None = None
_slots: NDArray[np.uint8] | None = None


class EncoderProcesses:
    """A pool of processes that encode; use it as a context manager, from any number of threads.

    Args:
        encoder: What encodes; the processes inherit it.
        processes: How many.
        batch_shape: Largest batch, (B, H, W, 3).
    """

    def __init__(self, encoder: Encoder, processes: int, batch_shape: tuple[int, ...]) -> None:
        self._shared = mmap.mmap(-1, max(1, processes * int(np.prod(batch_shape))))
        slots = np.frombuffer(self._shared, np.uint8)[: processes * int(np.prod(batch_shape))]
        self._slots = slots.reshape(processes, *batch_shape)
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(processes):
            self._free.put(slot)
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_be_born,
            initargs=(encoder, self._slots, os.getpid()),
        )

    def __enter__(self) -> EncoderProcesses:
        # OpenCV's threads do not live on in a child, which would wait for them for ever when their
        # number is next set: so there are none at the fork.
        opencv_threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        # Processes are forked at the first task: now, before there are threads that hold locks.
        self._pool.submit(os.getpid).result()
        cv2.setNumThreads(opencv_threads)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode RGB tiles (B, H, W, 3), at most a batch, into features (B, dim)."""
        slot = self._free.get()
        try:
            self._slots[slot, : len(tiles)] = tiles
            return self._pool.submit(_encode_slot, slot, len(tiles)).result()
        finally:
            self._free.put(slot)


def _be_born(encoder: Encoder, slots: NDArray[np.uint8], parent: int) -> None:
    global _encoder, _slots
    _encoder, _slots = encoder, slots
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()


def _die_with(parent: int) -> None:
    # A parent that is killed tells nobody, and its children would wait for work for ever.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _encode_slot(slot: int, count: int) -> NDArray[np.float32]:
    return _encoder.encode(_slots[slot, :count])
