"""A pool that is left leaves no thread behind."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest

from slidesieve.runtime.thread_pool import thread_pool


def use_opencv(_: int) -> int:
    cv2.GaussianBlur(np.zeros((64, 64), np.uint8), (5, 5), 0)
    return threading.get_native_id()


@pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux only")
def test_no_thread_is_left_to_the_operating_system():
    # A thread ends within a millisecond or so: many are needed to meet one on its way out.
    for _ in range(200):
        with thread_pool(4, "test") as pool:
            threads = set(pool.map(use_opencv, range(8)))
        running = {int(task.name) for task in Path("/proc/self/task").iterdir()}
        assert not threads & running


def test_what_was_not_begun_is_not_done_after_an_error():
    begun = threading.Event()
    released = threading.Event()
    done = []

    def work(i: int) -> None:
        begun.set()
        released.wait()
        done.append(i)

    with suppress(ZeroDivisionError), thread_pool(1, "test") as pool:
        for i in range(3):
            pool.submit(work, i)
        begun.wait()
        threading.Timer(0.05, released.set).start()
        raise ZeroDivisionError
    assert done == [0]
