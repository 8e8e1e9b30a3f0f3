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
from slidesieve.slide.overview import Overview
from slidesieve.synthetic.painter.painting import paint
from slidesieve.synthetic.painter.pens import INKS, draw_stroke
from slidesieve.synthetic.painter.recipes import demo_recipes
from slidesieve.tissue.glass import glass_colour, without_tint
from slidesieve.tissue.mask import tissue_mask
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.pen import pen_mask
from slidesieve.tissue.polygons import mask_to_polygons
from slidesieve.tissue.segment import find_tissue

UM_PER_PX = 8.0
GLASS, PINK, PALE = (243, 241, 244), (205, 130, 175), (236, 216, 226)


@pytest.fixture(scope="module")
def thumbnail():
    """A painted slide without pen at 8 µm per px, RGB, and its tissue."""
    recipe = replace(demo_recipes()[0], artefacts=(), side_um=2000.0)
    rgb = paint(recipe).rgb
    small = cv2.resize(rgb, (250, 250), interpolation=cv2.INTER_AREA)
    return small, tissue_mask(small, UM_PER_PX, replace(TissueParams(), exclude_pen=False))


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
    assert not pen_mask(rgb, UM_PER_PX, TissueParams()).any()


def test_real_green_pen_goes_and_real_tissue_stays(shared_data):
    rgb = cv2.cvtColor(cv2.imread(str(shared_data / "slides/pen_green.png")), cv2.COLOR_BGR2RGB)
    truth = cv2.imread(str(shared_data / "slides/pen_green_mask.png"), cv2.IMREAD_GRAYSCALE) > 0
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    # The picture states no scale; fat cells of about 100 µm put it near 25 µm per px.
    params = TissueParams()
    found = pen_mask(rgb, 25.0, params)
    stained = (hsv[..., 0] >= 125) & (hsv[..., 1] > 35) & ~truth
    assert found[truth].mean() > 0.99
    assert found[stained].mean() < 0.002
    assert tissue_mask(rgb, 25.0, params)[truth].mean() < 0.01
    assert tissue_mask(rgb, 25.0, replace(params, exclude_pen=False))[truth].mean() > 0.95


class TestGlass:
    @pytest.mark.parametrize("saturation", [0, 10, 20, 28, 32, 36, 40, 50, 60])
    @pytest.mark.parametrize("hue", [25, 165, 110, 60])
    def test_the_threshold_follows_the_glass(self, thumbnail, saturation, hue):
        rgb, tissue = thumbnail
        tint = cv2.cvtColor(np.array([[[hue, saturation, 245]]], np.uint8), cv2.COLOR_HSV2RGB)
        tinted = (rgb * (tint / 255)).astype(np.uint8)
        found = tissue_mask(tinted, UM_PER_PX, TissueParams())
        assert (found & tissue).sum() / (found | tissue).sum() > 0.95

    @pytest.mark.parametrize("saturation", [20, 40, 60])
    def test_glass_that_is_tinted_between_pieces_only(self, saturation):
        """Mountant yellows around the tissue, which keeps its own colours."""
        glass = cv2.cvtColor(np.array([[[25, saturation, 240]]], np.uint8), cv2.COLOR_HSV2RGB)
        mask = tissue_mask(picture(PINK, glass[0, 0], noise=1), UM_PER_PX, TissueParams())
        assert share_of_rectangle(mask) > 0.99
        assert share_around(mask) == 0

    def test_colourless_glass_changes_no_pixel(self):
        rgb = picture(PINK)
        assert without_tint(rgb, glass_colour(rgb)) is rgb

    def test_what_scanners_fill_in_is_not_the_glass(self):
        rgb = picture(PINK, (240, 232, 190), noise=1)
        rgb[:, 250:] = 255
        assert glass_colour(rgb) == pytest.approx([240, 232, 190], abs=2)
        assert share_around(tissue_mask(rgb, UM_PER_PX, TissueParams())) == 0

    def test_tissue_from_edge_to_edge_has_no_glass_and_no_warning(self, thumbnail):
        rgb, tissue = thumbnail
        rows, columns = np.nonzero(cv2.erode(tissue.astype(np.uint8), np.ones((61, 61))))
        y, x = rows[len(rows) // 2], columns[len(rows) // 2]
        inside = np.ascontiguousarray(rgb[y - 28 : y + 28, x - 28 : x + 28])
        assert glass_colour(inside) is None
        found = find_tissue(Overview(inside, 16.0, 0.0), 0.5, TissueParams())
        assert found.tissue.area > 0.97 * (56 * 16) ** 2
        assert found.warnings == ""

    def test_a_slide_that_is_all_tissue_by_mistake_is_told(self):
        # Deeper than any glass that is known: the even ground passes for tissue.
        rgb = picture((150, 90, 120), (200, 200, 110), noise=1)
        found = find_tissue(Overview(rgb, 16.0, 0.0), 0.5, TissueParams())
        assert "covers 100% of the slide" in found.warnings
        assert "as even as glass" in found.warnings


class TestPen:
    @pytest.mark.parametrize("on_tissue", [False, True])
    @pytest.mark.parametrize("ink", ["black", "blue", "green", "red", "yellow", "orange"])
    def test_dense_ink_goes_and_the_tissue_stays(self, thumbnail, ink, on_tissue):
        rgb, tissue = thumbnail
        where = np.argwhere(cv2.erode((tissue == on_tissue).astype(np.uint8), np.ones((25, 25))))
        y, x = where[len(where) // 2]
        rng = np.random.default_rng(0)
        drawn, truth = draw_stroke(rng, rgb, INKS[ink], (x, y), 80, 40)
        mask = tissue_mask(drawn, UM_PER_PX, TissueParams())
        assert mask[truth].mean() < 0.15
        near = cv2.dilate(truth.astype(np.uint8), np.ones((31, 31))) > 0
        assert (tissue & ~mask & ~near).sum() < 0.01 * tissue.sum()

    def test_translucent_green_over_tissue_goes(self, thumbnail):
        rgb, tissue = thumbnail
        y, x = np.argwhere(cv2.erode(tissue.astype(np.uint8), np.ones((41, 41))))[0]
        drawn, truth = draw_stroke(
            np.random.default_rng(1), rgb, INKS["light green"], (x, y), 70, 30
        )
        assert tissue_mask(drawn, UM_PER_PX, TissueParams())[truth & tissue].mean() < 0.45

    @pytest.mark.parametrize("ink", ["black", "blue", "green", "red", "light green"])
    def test_a_stroke_on_a_slide_without_tissue_is_no_tissue(self, ink):
        blank = np.full((250, 250, 3), 243, np.uint8)
        drawn, _ = draw_stroke(np.random.default_rng(2), blank, INKS[ink], (125, 125), 150, 60)
        found = find_tissue(Overview(drawn, 16.0, 0.0), 0.5, TissueParams())
        assert found.tissue.is_empty
        if ink != "black":
            assert "mm² have the colours of pen and are left out" in found.why_none

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ((0.85, 0.60, 0.20), (0.60, 0.55, 0.20)),  # Giemsa
            ((0.85, 0.55, 0.15), (0.35, 0.75, 0.25)),  # Giemsa, redder cells
            ((0.85, 0.35, 0.45), (0.70, 0.30, 0.40)),  # methyl green
        ],
    )
    def test_a_stain_of_an_inks_colour_is_tissue(self, thumbnail, first, second):
        rgb, tissue = thumbnail
        # Haematoxylin and eosin exchanged for two other stains (Ruifrok, 2001).
        ours = np.array([(0.65, 0.70, 0.29), (0.15, 0.90, 0.35)])
        density = -np.log10(np.clip(rgb, 1, None) / 245)
        amounts = np.clip(density.reshape(-1, 3) @ np.linalg.pinv(ours), 0, None)
        other = np.clip(245 * 10 ** -(amounts @ np.array([first, second])), 0, 255)
        mask = tissue_mask(other.reshape(rgb.shape).astype(np.uint8), UM_PER_PX, TissueParams())
        assert (mask & tissue).sum() / (mask | tissue).sum() > 0.95

    def test_an_even_piece_of_an_inks_colour_is_no_stroke(self):
        mask = tissue_mask(picture((110, 140, 200), noise=1), UM_PER_PX, TissueParams())
        assert share_of_rectangle(mask) > 0.99

    def test_a_grey_slide_is_told_as_such(self, thumbnail):
        grey = cv2.cvtColor(cv2.cvtColor(thumbnail[0], cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        for rgb in (grey, np.full((200, 200, 3), 128, np.uint8)):
            found = find_tissue(Overview(rgb, 16.0, 0.0), 0.5, TissueParams())
            assert found.tissue.is_empty
            assert "the slide is grey" in found.why_none


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
