"""Slide after slide by one extractor: the same bits, and no slide suffers from another."""

from __future__ import annotations

import os
import signal
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slidesieve.encoder_processes import CAN_FORK
from slidesieve.encoders.colour_texture.encoder import ColourTexture
from slidesieve.extraction import FeatureExtractor, extract_features
from slidesieve.slide.open import open_slide
from slidesieve.tiling import TileSet, choose_tile_spec

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


@pytest.fixture(scope="module")
def cmu(shared_data) -> Path:
    return shared_data / "slides" / "CMU-1-Small-Region.svs"


def grid_of(path: Path, tile_px: int) -> TileSet:
    with open_slide(path) as reader:
        spec = choose_tile_spec(0.5, reader.level_downsamples, tile_px, tile_px, 0.5)
        xs = range(0, reader.width - tile_px, tile_px)
        coords = [(x, y) for y in range(0, 8 * tile_px, tile_px) for x in xs]
        return TileSet(
            path.stem,
            coords=np.array(coords, dtype=np.int64),
            spec=spec,
            width=reader.width,
            height=reader.height,
        )


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


@forked
def test_an_error_at_one_slide_leaves_the_next_untouched(cmu, tmp_path):
    (tmp_path / "fail").touch()

    def fail_once():
        if (tmp_path / "fail").exists():
            raise ZeroDivisionError

    tiles = grid_of(cmu, 96)
    with FeatureExtractor(WhoEncodes(fail_once), 2) as extractor:
        with pytest.raises(ZeroDivisionError):
            extractor.extract(cmu, tiles)
        (tmp_path / "fail").unlink()
        assert len(extractor.extract(cmu, tiles).features) == len(tiles.coords)


@forked
def test_a_killed_process_costs_one_slide(cmu, tmp_path):
    (tmp_path / "kill").touch()

    def die_once():
        if (tmp_path / "kill").exists():
            os.kill(os.getpid(), signal.SIGKILL)

    tiles = grid_of(cmu, 96)
    with FeatureExtractor(WhoEncodes(die_once), 2) as extractor:
        with pytest.raises(BrokenProcessPool):
            extractor.extract(cmu, tiles)
        (tmp_path / "kill").unlink()
        assert len(extractor.extract(cmu, tiles).features) == len(tiles.coords)
