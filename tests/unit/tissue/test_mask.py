from __future__ import annotations

from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from slidesieve.errors import ConfigError, SlideError
from slidesieve.tissue.mask import pen_mask, tissue_mask
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.polygons import mask_to_polygons

UM_PER_PX = 8.0
GLASS, PINK, PALE = (243, 241, 244), (205, 130, 175), (236, 216, 226)


def picture(colour, background=GLASS, noise=3):
    """RGB (200, 300, 3): rows 50-149, columns 60-239 in `colour`."""
    rgb = np.full((200, 300, 3), background, float)
    rgb[50:150, 60:240] = colour
    rgb += np.random.default_rng(0).normal(0, noise, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def share_of_rectangle(mask):
    return mask[52:148, 62:238].mean()


def share_around(mask):
    return (mask.sum() - mask[48:152, 58:242].sum()) / mask.size


@pytest.mark.parametrize("colour", [PINK, PALE, (150, 110, 180), (170, 130, 100)])
def test_stained_tissue_is_found_and_glass_is_not(colour):
    mask = tissue_mask(picture(colour), UM_PER_PX, TissueParams())
    assert share_of_rectangle(mask) > 0.99
    assert share_around(mask) == 0


def test_deep_stain_does_not_hide_pale_tissue():
    rgb = picture((228, 192, 210))
    rgb[50:150, 60:150] = (150, 40, 110)
    plain_otsu = replace(TissueParams(), otsu_ceiling=254)
    assert share_of_rectangle(tissue_mask(rgb, UM_PER_PX, plain_otsu)) < 0.6
    assert share_of_rectangle(tissue_mask(rgb, UM_PER_PX, TissueParams())) > 0.99


@pytest.mark.parametrize("glass", [GLASS, (230, 222, 218), (255, 255, 255)])
def test_blank_glass_is_empty_although_otsu_splits_anything(glass):
    rgb = picture(glass, glass, noise=1)
    assert not tissue_mask(rgb, UM_PER_PX, TissueParams()).any()
    assert tissue_mask(rgb, UM_PER_PX, TissueParams(otsu_floor=0)).any() or glass[0] == 255


def test_fixed_threshold_is_taken_as_given():
    rgb = picture(PALE)
    high = replace(TissueParams(), saturation_threshold=60)
    low = replace(TissueParams(), saturation_threshold=10)
    assert not tissue_mask(rgb, UM_PER_PX, high).any()
    assert share_of_rectangle(tissue_mask(rgb, UM_PER_PX, low)) > 0.99


def test_closing_joins_pieces_but_does_not_pull_them_to_the_border():
    rgb = picture(GLASS)
    rgb[3:100, 60:140] = rgb[3:100, 144:240] = PINK
    mask = tissue_mask(rgb, UM_PER_PX, TissueParams())
    assert mask[50, 60:240].all()
    assert not mask[:2].any()


def test_fluorescence_is_refused():
    rgb = picture((20, 60, 200), background=(4, 3, 6))
    with pytest.raises(SlideError, match="looks like fluorescence"):
        tissue_mask(rgb, UM_PER_PX, TissueParams())


def test_unscanned_black_area_is_no_tissue():
    rgb = picture(PINK)
    rgb[:, 260:] = (9, 2, 5)
    mask = tissue_mask(rgb, UM_PER_PX, TissueParams())
    assert share_of_rectangle(mask) > 0.99
    assert not mask[:, 258:].any()


@pytest.mark.parametrize("ink", [(20, 130, 90), (25, 60, 200), (40, 40, 45), (120, 200, 160)])
def test_pen_is_left_out_and_the_tissue_stays(ink):
    rgb = picture(PINK)
    cv2.line(rgb, (5, 10), (290, 40), ink, 12)
    with_pen = tissue_mask(rgb, UM_PER_PX, replace(TissueParams(), exclude_pen=False))
    without = tissue_mask(rgb, UM_PER_PX, TissueParams())
    assert not without[:45].any()
    assert share_of_rectangle(without) > 0.99
    if max(ink) - min(ink) > 20:
        assert with_pen[:45].any()


def test_small_dark_specks_in_tissue_are_not_pen():
    rgb = picture(PINK)
    for x in range(70, 230, 20):
        cv2.circle(rgb, (x, 100), 2, (30, 28, 30), -1)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    assert not pen_mask(hsv, UM_PER_PX, TissueParams()).any()


def test_real_green_pen_goes_and_real_tissue_stays(shared_data):
    rgb = cv2.cvtColor(cv2.imread(str(shared_data / "slides/pen_green.png")), cv2.COLOR_BGR2RGB)
    truth = cv2.imread(str(shared_data / "slides/pen_green_mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    # The picture states no scale; fat cells of about 100 µm put it near 25 µm per px.
    params = TissueParams()
    found = pen_mask(hsv, 25.0, params)
    stained = (hsv[..., 0] >= 125) & (hsv[..., 1] > 35) & ~truth
    assert found[truth].mean() > 0.99
    assert found[stained].mean() < 0.002
    assert tissue_mask(rgb, 25.0, params)[truth].mean() < 0.01
    assert tissue_mask(rgb, 25.0, replace(params, exclude_pen=False))[truth].mean() > 0.95


class TestPolygons:
    @given(cells=arrays(bool, (9, 12)), block=st.integers(2, 5), downsample=st.integers(8, 40))
    def test_pixels_inside_are_the_masks(self, cells, block, downsample):
        mask = np.kron(cells, np.ones((block, block), bool))
        polygons = mask_to_polygons(mask, downsample, 0, 0)
        assert polygons.is_valid
        ys, xs = np.mgrid[: mask.shape[0], : mask.shape[1]]
        inside = shapely.contains_xy(polygons, (xs + 0.5) * downsample, (ys + 0.5) * downsample)
        # Simplification may move an outline by half a mask pixel; deeper in, nothing may differ.
        core = cv2.erode(mask.astype(np.uint8), np.ones((3, 3)), borderValue=0).astype(bool)
        glass = cv2.erode((~mask).astype(np.uint8), np.ones((3, 3)), borderValue=1).astype(bool)
        assert inside[core].all()
        assert not inside[glass].any()

    @given(left=st.integers(0, 20), top=st.integers(0, 20), width=st.integers(2, 40))
    def test_rectangle_comes_out_on_its_pixels_corners(self, left, top, width):
        mask = np.zeros((40, 70), bool)
        mask[top : top + 9, left : left + width] = True
        expected = shapely.box(left * 16, top * 16, (left + width) * 16, (top + 9) * 16)
        polygons = mask_to_polygons(mask, 16.0, 0, 0)
        assert shapely.symmetric_difference(polygons, expected).area == 0

    def test_small_pieces_and_small_holes_go_and_large_ones_stay(self):
        mask = np.zeros((100, 200), bool)
        mask[10:90, 10:90] = True
        mask[20:30, 20:30] = False  # 100 px: stays
        mask[50:55, 50:55] = False  # 25 px: filled
        mask[10:15, 150:155] = True  # 25 px: dropped
        (polygon,) = mask_to_polygons(mask, 10, min_area_px=50, min_hole_px=50).geoms
        assert len(polygon.interiors) == 1
        assert polygon.area == pytest.approx((6400 - 100) * 100, rel=0.01)

    def test_tissue_inside_a_hole_is_a_piece_of_its_own(self):
        mask = np.zeros((100, 100), bool)
        mask[10:90, 10:90] = True
        mask[20:80, 20:80] = False
        mask[40:60, 40:60] = True
        polygons = mask_to_polygons(mask, 1, 0, 0)
        assert [len(polygon.interiors) for polygon in polygons.geoms] == [1, 0]
        assert polygons.area == pytest.approx(mask.sum(), rel=0.01)

    def test_empty_mask_gives_no_polygons(self):
        assert mask_to_polygons(np.zeros((5, 5), bool), 8, 0, 0).is_empty


class TestParams:
    def test_text_of_a_sample_sheet_means_the_same_as_yaml(self):
        text = {"saturation_threshold": "12", "min_area_mm2": "0.5", "exclude_pen": "False"}
        yaml = {"saturation_threshold": 12, "min_area_mm2": 0.5, "exclude_pen": False}
        assert TissueParams.from_mapping(text) == TissueParams.from_mapping(yaml)
        assert TissueParams.from_mapping(text).saturation_threshold == 12

    def test_every_mistake_is_named_at_once(self):
        wrong = {"closing": 3, "median_um": -1, "exclude_pen": "perhaps", "otsu_floor": 2.5}
        with pytest.raises(ConfigError) as refusal:
            TissueParams.from_mapping(wrong)
        floor, median, pen, closing = refusal.value.problems
        assert median == "tissue.median_um: -1 must be a number from 0 to 1000"
        assert floor == "tissue.otsu_floor: 2.5 must be a whole number from 0 to 254"
        assert pen == "tissue.exclude_pen: 'perhaps' must be true or false"
        assert closing.startswith("tissue: unknown key 'closing'; did you mean 'closing_um'?")

    def test_true_is_no_number(self):
        with pytest.raises(ConfigError, match=r"closing_um: 'true' must be a number"):
            TissueParams.from_mapping({"closing_um": True})

    def test_defaults_lie_in_their_own_ranges(self):
        assert TissueParams.from_mapping(asdict(TissueParams())) == TissueParams()
