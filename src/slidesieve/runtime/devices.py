"""Where and with how many threads the numbers are computed."""

from __future__ import annotations

import os

import cv2
import torch
from threadpoolctl import threadpool_limits

from slidesieve.errors import ConfigError


def pick_device(name: str = "auto") -> torch.device:
    """Return the device a config names.

    Args:
        name: "auto" (the first GPU if there is one), "cpu", "cuda" or "cuda:<index>".

    Raises:
        ConfigError: The name is unknown, or asks for a GPU that is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    kind, _, index = name.partition(":")
    if kind != "cuda" or (":" in name and not index.isdecimal()):
        raise ConfigError([f"device: {name!r} is unknown; allowed: auto, cpu, cuda, cuda:<index>"])
    if int(index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            [f"device: {name} is asked for, but torch sees {torch.cuda.device_count()} GPUs"]
        )
    return torch.device(name)


def set_threads(threads: int) -> None:
    """Limit torch, OpenCV and BLAS to a number of threads, for the rest of the process."""
    if threads < 1:
        raise ConfigError([f"threads is {threads}; it must be at least 1"])
    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    threadpool_limits(limits=threads, user_api="blas")


def make_deterministic() -> None:
    """Make torch choose algorithms that give the same numbers every time.

    Operations that have none on a GPU warn instead of failing.
    """
    # cuBLAS reads this when its first handle is made, and is not reproducible without it.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # A debugging aid that writes every new tensor twice.
    # torch makes this attribute when it is imported, and its types do not know it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
