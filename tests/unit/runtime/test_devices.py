"""Devices and threads."""

from __future__ import annotations

import cv2
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from slidesieve.errors import ConfigError
from slidesieve.runtime.devices import pick_device, set_threads


def test_auto_takes_a_gpu_where_there_is_one():
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "mps", ""])
def test_unknown_devices_are_refused_with_the_allowed(name):
    with pytest.raises(ConfigError, match="allowed: auto, cpu, cuda, cuda:<index>"):
        pick_device(name)


def test_a_gpu_that_is_not_there_is_refused():
    with pytest.raises(ConfigError, match="torch sees"):
        pick_device(f"cuda:{torch.cuda.device_count()}")


@pytest.fixture
def threads_restored():
    before = torch.get_num_threads(), cv2.getNumThreads()
    with threadpool_limits(limits=None):
        yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])


@pytest.mark.usefixtures("threads_restored")
def test_threads_are_limited_everywhere():
    for threads in (2, 1):
        set_threads(threads)
        assert torch.get_num_threads() == threads
        assert cv2.getNumThreads() == threads
        blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        assert blas
        assert set(blas) == {threads}


def test_no_threads_are_refused():
    with pytest.raises(ConfigError, match="threads is 0"):
        set_threads(0)
