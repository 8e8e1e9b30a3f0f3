"""Chance that depends on the slide alone, not on the order in which slides are looked at."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def slide_seed(slide_id: str, purpose: str) -> int:
    """Return the seed of a slide's draws for one purpose."""
    return zlib.crc32(f"{slide_id} {purpose}".encode())


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Run torch's global generators from a seed and put them back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
