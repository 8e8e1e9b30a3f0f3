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
from concurrent.futures import Future, ProcessPoolExecutor
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

    Attributes:
        batch_shape: As given.
    """

    def __init__(self, encoder: Encoder, processes: int, batch_shape: tuple[int, ...]) -> None:
        self.batch_shape = batch_shape
        # Twice as many as processes, so that the next batch lies ready when one is done.
        n_slots = 2 * processes
        n_bytes = n_slots * int(np.prod(batch_shape))
        self._shared = mmap.mmap(-1, max(1, n_bytes))
        slots = np.frombuffer(self._shared, np.uint8)[:n_bytes]
        self._slots = slots.reshape(n_slots, *batch_shape)
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        for slot in range(n_slots):
            self._free.put(slot)
        self._pool = ProcessPoolExecutor(
            processes,
            mp_context=multiprocessing.get_context("fork"),
            initializer=_init_worker,
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

    def submit(self, tiles: NDArray[np.uint8]) -> Future[NDArray[np.float32]]:
        """Have RGB tiles (B, H, W, 3), at most a batch, encoded into features (B, dim).

        Waits while too many batches are under way; the tiles may be thrown away when it returns.
        """
        slot = self._free.get()
        try:
            self._slots[slot, : len(tiles)] = tiles
            features = self._pool.submit(_encode_slot, slot, len(tiles))
        except BaseException:
            self._free.put(slot)
            raise
        features.add_done_callback(lambda _: self._free.put(slot))
        return features


def _init_worker(encoder: Encoder, slots: NDArray[np.uint8], parent: int) -> None:
    global _encoder, _slots
    _encoder, _slots = encoder, slots
    threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()


def _exit_with_parent(parent: int) -> None:
    # A parent that is killed tells nobody, and its children would wait for work for ever.
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _encode_slot(slot: int, count: int) -> NDArray[np.float32]:
    assert _encoder is not None, "a worker is born with its encoder"
    assert _slots is not None, "a worker is born with its slots"
    return _encoder.encode(_slots[slot, :count])
