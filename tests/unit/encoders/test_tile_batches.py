"""Batches of tiles that the GPU's memory does not hold."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from slidesieve.encoders.torch_encoder import TilePieces


class SmallGPU:
    """A network on a device that holds so many tiles and no more; it keeps a record."""

    def __init__(self, holds: int) -> None:
        self.holds = holds
        self.tried: list[int] = []

    def __call__(self, tiles):
        self.tried.append(len(tiles))
        if len(tiles) > self.holds:
            raise torch.OutOfMemoryError
        return tiles.reshape(len(tiles), -1).astype(np.float32)


def some_tiles(count: int) -> np.ndarray:
    return np.arange(count * 12, dtype=np.uint8).reshape(count, 2, 2, 3)


@pytest.mark.parametrize("holds", [1, 2, 3, 7, 50])
def test_a_batch_too_large_is_halved_until_it_fits(holds):
    gpu, tiles = SmallGPU(holds), some_tiles(11)
    np.testing.assert_array_equal(TilePieces(gpu)(tiles), tiles.reshape(11, -1))
    done = [length for length in gpu.tried if length <= holds]
    assert sum(done) == 11
    assert max(done) <= holds


def test_what_did_not_fit_once_is_not_tried_again(caplog):
    gpu = SmallGPU(5)
    pieces = TilePieces(gpu)
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            pieces(some_tiles(16))
    assert gpu.tried == [16, 8, *4 * [4], *4 * [4]]
    assert [record.args for record in caplog.records] == [(8,), (4,)]


def test_a_short_batch_says_nothing_of_what_a_long_one_needs():
    gpu = SmallGPU(50)
    pieces = TilePieces(gpu)
    pieces(some_tiles(3))
    pieces(some_tiles(11))
    assert gpu.tried == [3, 11]


def test_one_tile_too_large_is_an_error():
    with pytest.raises(torch.OutOfMemoryError):
        TilePieces(SmallGPU(0))(some_tiles(4))
