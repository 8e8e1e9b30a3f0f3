"""Encoding in processes gives the same bits, and the same errors, as encoding here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from slidesieve.encoders.colour_texture.encoder import ColourTexture
from slidesieve.extraction.processes import CAN_FORK, EncoderProcesses
from slidesieve.runtime.thread_pool import thread_pool

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="processes are forked on Linux only")


def test_features_are_the_same_to_the_bit_from_any_thread():
    rng = np.random.default_rng(0)
    batches = [rng.integers(0, 256, (n, 64, 64, 3), np.uint8) for n in (5, 1, 4, 0, 5, 3, 2, 5)]
    encoder = ColourTexture()
    with EncoderProcesses(encoder, 2, (5, 64, 64, 3)) as pool, thread_pool(4, "test") as threads:
        found = [future.result() for future in threads.map(pool.submit, batches)]
    for features, batch in zip(found, batches, strict=True):
        np.testing.assert_array_equal(features, encoder.encode(batch))


def test_an_error_of_the_encoder_reaches_the_caller_and_leaves_the_pool_usable():
    class OnlyOdd(ColourTexture):
        def encode(self, tiles):
            if len(tiles) % 2 == 0:
                raise ZeroDivisionError("even")
            return super().encode(tiles)

    tiles = np.zeros((3, 64, 64, 3), np.uint8)
    with EncoderProcesses(OnlyOdd(), 1, tiles.shape) as pool:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError, match="even"):
                pool.submit(tiles[:2]).result()
        assert pool.submit(tiles).result().shape == (3, ColourTexture.dim)


def test_processes_end_when_their_parent_is_killed():
    script = """
import os, time
import cv2
import numpy as np
from slidesieve.extraction.processes import EncoderProcesses
from slidesieve.encoders.colour_texture.encoder import ColourTexture
with EncoderProcesses(ColourTexture(), 2, (1, 64, 64, 3)) as pool:
    print(*pool._pool._processes, flush=True)
    time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for child in children:
        wait_for_end_of(child)


def wait_for_end_of(pid: int) -> None:
    """Return when a process is gone, or dead and not yet buried; pytest's limit ends the wait."""
    while True:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.1)


def test_threads_that_opencv_has_had_do_not_stop_the_processes():
    """A child that inherits the number of OpenCV's threads but not the threads waits for ever."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(4)
    try:
        for _ in range(20):
            cv2.GaussianBlur(np.zeros((2000, 2000, 3), np.uint8), (0, 0), 3)
        tiles = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), dtype=np.uint8)
        with EncoderProcesses(ColourTexture(), 2, tiles.shape) as processes:
            found = processes.submit(tiles).result()
        assert cv2.getNumThreads() == 4
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(found, ColourTexture().encode(tiles))
