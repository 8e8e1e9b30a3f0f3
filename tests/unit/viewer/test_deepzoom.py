"""Deep Zoom tiles show what the slide holds."""

from __future__ import annotations

import cv2
import numpy as np
import openslide
import pytest

from slidesieve.slide.base import SlideReader
from slidesieve.slide.bounds import Bounds
from slidesieve.slide.open import open_slide
from slidesieve.viewer import deepzoom
from slidesieve.viewer.deepzoom import DeepZoomSlide, OpenSlides


@pytest.fixture
def slide(make_slide, stained):
    return make_slide(stained, downsamples=(1, 4))


def test_the_finest_tiles_are_the_pixels_that_openslide_reads(slide):
    found = DeepZoomSlide(open_slide(slide))
    tile = np.asarray(found.tile(found.level_count - 1, 4, 3))
    with openslide.OpenSlide(slide) as theirs:
        region = theirs.read_region((4 * 254 - 1, 3 * 254 - 1), 0, (256, 256)).convert("RGB")
    assert np.array_equal(tile, np.asarray(region))
    found.close()


def test_coarse_tiles_show_the_whole_slide(slide, stained):
    found = DeepZoomSlide(open_slide(slide))
    small = np.asarray(found.thumbnail(96))
    expected = cv2.resize(stained, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert small.shape == (64, 96, 3)
    assert np.abs(small.astype(int) - expected).mean() < 4
    found.close()


def test_there_is_no_tile_beyond_the_slide(slide):
    found = DeepZoomSlide(open_slide(slide))
    for place in [(found.level_count, 0, 0), (0, 1, 0), (found.level_count - 1, 99, 0)]:
        with pytest.raises(ValueError, match="Invalid"):
            found.tile(*place)
    found.close()


def test_a_slide_of_one_level_is_not_decoded_whole_per_tile(make_slide, stained, monkeypatch):
    monkeypatch.setattr(deepzoom, "_MOST_READ_PX", 600 * 600)
    found = DeepZoomSlide(open_slide(make_slide(stained)))
    level = found.level_count - 4  # eight times as coarse
    left = np.asarray(found.tile(level, 0, 0))
    right = np.asarray(found.tile(level, 1, 0))
    whole = np.hstack([left[:, :254], right[:, 1:]])
    expected = cv2.resize(stained, (384, 256), interpolation=cv2.INTER_AREA)
    assert left.shape == (255, 255, 3)
    assert np.abs(whole[:255].astype(int) - expected[:255]).mean() < 2
    assert found.thumbnail(96) is None
    found.close()


class Scanned(SlideReader):
    """A slide whose scanned area starts at (1000, 500); px say where they lie."""

    mpp, mpp_note, objective, vendor, name = 0.5, "", None, "none", "scanned"
    level_dimensions = ((4000, 3000),)
    level_downsamples = stated_downsamples = (1.0,)
    bounds = Bounds(1000, 500, 600, 400)
    background = (255, 255, 255)

    def _read_into(self, region, x_stated, y_stated, level):
        rows, columns = np.indices(region.shape[:2])
        region[..., 0] = (x_stated + columns) % 251
        region[..., 1] = (y_stated + rows) % 241
        region[..., 2] = 7

    def close(self):
        pass


def test_only_the_scanned_area_is_shown():
    found = DeepZoomSlide(Scanned())
    assert (found.width, found.height, found.left, found.top) == (600, 400, 1000, 500)
    tile = np.asarray(found.tile(found.level_count - 1, 0, 0))
    assert tile[0, 0].tolist() == [1000 % 251, 500 % 241, 7]


def test_few_slides_stay_open(slide, monkeypatch):
    monkeypatch.setattr(deepzoom, "_OPEN_SLIDES", 2)
    slides = OpenSlides(lambda name: slide)
    seen = [slides.read(name, lambda open_one: open_one) for name in ("a", "b", "a", "c", "a")]
    assert seen[0] is seen[2] is seen[4]
    assert slides.read("b", lambda open_one: open_one) is not seen[1]
    slides.close()
