"""Slide after slide by one extractor: the same bits, and no slide suffers from another."""

from __future__ import annotations

import os
import signal
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace

import numpy as np
import pytest

from helpers.slide_grid import grid_of
from slidesieve.encoders.colour_texture.encoder import ColourTexture
from slidesieve.extraction.extractor import FeatureExtractor, extract_features
from slidesieve.extraction.processes import CAN_FORK

forked = pytest.mark.skipif(not CAN_FORK, reason="processes are forked on Linux only")


class WhoEncodes:
    """Its one feature is the process that encoded; before, it does what a test asks for."""

    name, dim, revision, transform, pooling, tile_px = "pid", 1, "1", "none", "none", None
    precision, source, runs_in_workers = "fp32", "", True

    def __init__(self, before=lambda: None):
        self._before = before

    def encode(self, tiles):
        self._before()
        return np.full((len(tiles), 1), os.getpid(), np.float32)


@pytest.mark.parametrize("workers", [1, 3])
def test_slides_in_a_row_give_the_bits_of_each_alone(cmu, workers):
    slides = [grid_of(cmu, side) for side in (96, 96, 64, 96)]
    slides[1] = replace(slides[1], coords=slides[1].coords[::-1][:21])
    with FeatureExtractor(ColourTexture(), workers) as extractor:
        found = [extractor.extract(cmu, tiles).features for tiles in slides]
    for features, tiles in zip(found, slides, strict=True):
        alone = extract_features(cmu, tiles, ColourTexture(), workers=1)
        np.testing.assert_array_equal(features, alone.features)


@forked
def test_the_processes_of_the_first_slide_encode_the_next(cmu):
    tiles = grid_of(cmu, 96)
    with FeatureExtractor(WhoEncodes(), 2) as extractor:
        pids = [set(extractor.extract(cmu, tiles).features.ravel().tolist()) for _ in range(4)]
    assert len(set().union(*pids)) <= 2
    assert os.getpid() not in set().union(*pids)


def raise_an_error():
    raise ZeroDivisionError


def be_killed():
    os.kill(os.getpid(), signal.SIGKILL)


@forked
@pytest.mark.parametrize(
    ("mishap", "error"), [(raise_an_error, ZeroDivisionError), (be_killed, BrokenProcessPool)]
)
def test_what_befalls_a_process_costs_one_slide(cmu, tmp_path, mishap, error):
    (tmp_path / "now").touch()

    def before():
        if (tmp_path / "now").exists():
            mishap()

    tiles = grid_of(cmu, 96)
    with FeatureExtractor(WhoEncodes(before), 2) as extractor:
        with pytest.raises(error):
            extractor.extract(cmu, tiles)
        (tmp_path / "now").unlink()
        assert len(extractor.extract(cmu, tiles).features) == len(tiles.coords)
