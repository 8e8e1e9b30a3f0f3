"""Levels that do not fit level 0: repaired where padding explains it, else left alone."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
import shapely

from slidesieve.slide.levels import NOT_USED, judge_levels
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview
from slidesieve.synthetic.painter.odd_files import halve, pad, write_levels
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

SETTINGS = TileSettings(tile_px=256, target_mpp=0.5)
# Sizes of a slide of CAMELYON16: every level is padded to whole tiles of 512 px.
CAMELYON = [
    (97792, 221184), (49152, 110592), (24576, 55296), (12288, 27648), (6144, 13824),
    (3072, 7168), (1536, 3584), (1024, 2048), (512, 1024), (512, 512),
]  # fmt: skip


def mean_ratios(sizes):
    """Downsamples as OpenSlide computes them."""
    return [(sizes[0][0] / w + sizes[0][1] / h) / 2 for w, h in sizes]


def judge(sizes, tile_px, alike=True):
    tiles = [(tile_px, tile_px)] * len(sizes)
    return judge_levels(sizes, tiles, mean_ratios(sizes), lambda *_, **__: alike)


def test_levels_of_camelyon_are_powers_of_two():
    levels = judge(CAMELYON, 512)
    assert [level.downsample for level in levels] == [2.0**k for k in range(10)]
    padded = [w << k != 97792 or h << k != 221184 for k, (w, h) in enumerate(CAMELYON)]
    assert [bool(level.note) for level in levels] == padded


@pytest.mark.parametrize("rounded", [math.floor, math.ceil, round])
@pytest.mark.parametrize("width", [1290, 46920, 100301])
def test_rounded_sizes_do_not_drift(rounded, width):
    height = 214507
    sizes = [(rounded(width / 2**k), rounded(height / 2**k)) for k in range(8)]
    levels = judge(sizes, 256)
    for k, level in enumerate(levels):
        assert not level.note
        # The far corner of the slide is found to within a px of the level.
        assert abs(height / level.downsample - height / 2**k) <= 1.01


def test_levels_that_fit_keep_the_downsample_of_the_file():
    sizes = [(2220, 2967), (555, 741), (138, 185)]
    assert [level.downsample for level in judge(sizes, 240)] == mean_ratios(sizes)


@pytest.mark.parametrize("side", [4000, 4096])
def test_a_padded_square_agrees_in_both_sides_and_is_padded_all_the_same(side):
    sizes = [(side, side), (2048, 2048), (1024, 1024), (512, 512)]
    assert [level.downsample for level in judge(sizes, 512)] == [1, 2, 4, 8]


def test_padding_of_level_0_alone_is_seen():
    sizes = [(4608, 5632), (2134, 2764), (1067, 1382)]
    assert [level.downsample for level in judge(sizes, 512)] == [1, 2, 4]


def test_a_level_of_another_shape_is_not_used_and_named():
    levels = judge([(4440, 5934), (1280, 512), (1110, 1483)], 256)
    assert [level.downsample for level in levels][:2] == [1, NOT_USED]
    assert levels[2].downsample == pytest.approx(4, rel=1e-3)
    assert "level 1 (1280×512 px) is not used" in levels[1].note


def test_one_tile_that_shows_something_else_is_not_taken_for_a_padded_level():
    assert judge([(2220, 2967), (512, 512)], 512, alike=False)[1].downsample == NOT_USED


@pytest.fixture(scope="module")
def picture():
    """RGB (2967, 2220, 3) with tissue of its own texture in one part."""
    rng = np.random.default_rng(5)
    rgb = np.full((2967, 2220, 3), 243, np.uint8)
    grain = cv2.resize(rng.normal(0, 30, (186, 139)).astype(np.float32), (1200, 1500))
    tissue = np.clip(np.array([200, 130, 175]) + grain[..., None], 0, 255)
    rgb[1100:2600, 800:2000] = tissue.astype(np.uint8)
    return rgb


def stages(path):
    tissue = segment_slide(path, "s", TissueParams())
    return tissue, tile_slide(path, "s", tissue, SETTINGS)


def iou(one, other):
    return shapely.intersection(one, other).area / shapely.union(one, other).area


@pytest.fixture(scope="module")
def plain(picture, tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "plain.tif"
    write_levels(path, [halve(picture, k) for k in range(4)], 256, 0.5)
    return stages(path)


@pytest.mark.parametrize("reader", ["auto", "openslide"])
@pytest.mark.parametrize("padding_px", [64, 256, 512, 1024])
def test_padded_levels_show_tissue_where_it_is(picture, plain, tmp_path, padding_px, reader):
    path = tmp_path / "padded.tif"
    levels = [picture, *(pad(halve(picture, k), padding_px) for k in (1, 2, 3))]
    write_levels(path, levels, max(256, padding_px), 0.5)
    with open_slide(path, reader) as slide:
        assert slide.level_downsamples == pytest.approx((1, 2, 4, 8), rel=2e-3)
        overview = read_overview(slide, 0.5, 8.0)
        for level in (1, 2, 3):
            region = slide.read_region(1600, 1900, level, 40, 40)
            expected = halve(picture, level)[1900 >> level :, 1600 >> level :][:40, :40]
            assert np.abs(region.astype(int) - expected).mean() < 12
    assert overview.rgb.shape == (185, 138, 3)
    tissue, tiles = stages(path)
    assert iou(tissue.tissue, plain[0].tissue) > 0.98
    assert tiles.coords.tolist() == plain[1].coords.tolist()


def test_a_level_0_that_is_padded_alone_moves_nothing(picture, plain, tmp_path):
    path = tmp_path / "padded.tif"
    write_levels(path, [pad(picture, 512), *(halve(picture, k) for k in (1, 2, 3))], 512, 0.5)
    tissue, _ = stages(path)
    assert iou(tissue.tissue, plain[0].tissue) > 0.98


@pytest.mark.parametrize(("size", "tile_px"), [((400, 150), 256), ((512, 512), 512)])
def test_a_macro_page_among_the_levels_is_not_used_and_named(
    picture, plain, tmp_path, size, tile_px
):
    path = tmp_path / "macro.tif"
    macro = np.full((size[1], size[0], 3), 90, np.uint8)
    cv2.circle(macro, (300, 250), 160, (230, 200, 40), -1)
    levels = sorted([macro, *(halve(picture, k) for k in range(3))], key=lambda p: -p.shape[1])
    write_levels(path, levels, tile_px, 0.5)
    tissue, tiles = stages(path)
    assert iou(tissue.tissue, plain[0].tissue) > 0.98
    assert tiles.coords.tolist() == plain[1].coords.tolist()
    assert f"({size[0]}×{size[1]} px) is not used" in tiles.warnings


def test_the_shared_padded_slide_has_the_tiles_of_the_plain_one(shared_data):
    folder = shared_data / "field_cases" / "slides"
    (one, one_tiles), (other, other_tiles) = (
        stages(folder / name) for name in ("plain.tif", "padded.tif")
    )
    assert len(other_tiles.coords) == len(one_tiles.coords) == 34
    assert iou(one.tissue, other.tissue) > 0.97
    assert "padded" in other_tiles.warnings
