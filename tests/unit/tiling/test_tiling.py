from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slidesieve.errors import SlideError
from slidesieve.slide.open import open_slide
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import coords_attributes
from slidesieve.tiling.grid import grid_positions, polygon_edges, tile_grid, tissue_fractions
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.spec import choose_tile_spec, read_tile
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.polygons import as_multipolygon, mask_to_polygons
from slidesieve.tissue.result import TissueResult
from slidesieve.tissue.segment import segment_slide

PYRAMID = (1.0, 4.0, 16.0)
SETTINGS = TileSettings(tile_px=256, target_mpp=0.5, step_px=256, min_tissue_fraction=0.5)

slide_mpps = st.floats(0.1, 1.0)
targets = st.floats(0.2, 8.0)
tile_sides = st.integers(32, 512)


def some_tissue(seed, side=60, downsample=32):
    """Polygons with holes, from blurred noise: (side × downsample)² level-0 px."""
    coarse = np.random.default_rng(seed).random((12, 12)).astype(np.float32)
    mask = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC) > 0.5
    return mask_to_polygons(mask, downsample, 4, 4)


class TestSpec:
    @given(slide_mpp=slide_mpps, target=targets, tile_px=tile_sides, step_px=tile_sides)
    def test_sizes_are_true_to_the_micron(self, slide_mpp, target, tile_px, step_px):
        assume(slide_mpp <= target)
        spec = choose_tile_spec(slide_mpp, PYRAMID, tile_px, step_px, target)
        assert abs(spec.size_level0 * slide_mpp - tile_px * target) <= slide_mpp / 2 + 1e-9
        assert abs(spec.read_px * spec.read_mpp - tile_px * target) <= spec.read_mpp / 2 + 1e-9
        assert spec.step_level0 * slide_mpp == pytest.approx(step_px * target)
        assert spec.overlap_px == tile_px - step_px
        # As they lie on their level, tiles cover the same ground.
        assert spec.as_read.tile_px == spec.read_px
        assert abs(spec.as_read.tile_um - spec.tile_um) <= spec.read_mpp / 2 + 1e-9

    @given(slide_mpp=slide_mpps, target=targets)
    def test_level_is_the_coarsest_not_coarser_than_the_target(self, slide_mpp, target):
        assume(slide_mpp <= target)
        spec = choose_tile_spec(slide_mpp, PYRAMID, 256, 256, target)
        mpps = slide_mpp * np.array(PYRAMID)
        assert spec.read_mpp == pytest.approx(mpps[spec.level])
        assert mpps[spec.level] <= target * 1.01
        assert (mpps[spec.level + 1 :] > target * 1.01).all()

    @pytest.mark.parametrize(
        ("slide_mpp", "target", "level", "read_px", "size_level0"),
        [
            (0.25, 0.5, 0, 512, 512),
            (0.2525, 0.5, 0, 507, 507),
            (0.25, 1.0, 1, 256, 1024),
            (0.2525, 1.0, 1, 253, 1014),  # level 1 is 1.01 mpp: within the tolerance
            (0.5, 0.5, 0, 256, 256),
            (0.5, 8.0, 2, 256, 4096),
            (0.52, 0.5, 0, 246, 246),  # slightly coarser than the target: enlarged
        ],
    )
    def test_known_scanners(self, slide_mpp, target, level, read_px, size_level0):
        spec = choose_tile_spec(slide_mpp, PYRAMID, 256, 256, target)
        assert (spec.level, spec.read_px, spec.size_level0) == (level, read_px, size_level0)

    def test_slide_too_coarse_is_refused_naming_both_scales(self):
        with pytest.raises(SlideError, match=r"0\.56 µm per px, too coarse for tiles of 0\.5 µm"):
            choose_tile_spec(0.56, PYRAMID, 256, 256, 0.5)
        assert choose_tile_spec(0.56, PYRAMID, 256, 256, 0.5, max_upsampling=1.2).level == 0


class TestGrid:
    @settings(max_examples=40)
    @given(
        seed=st.integers(0, 50),
        mpp=st.floats(0.2, 0.55),
        step_px=st.integers(40, 200),
        fraction=st.floats(0, 1),
    )
    def test_tiles_lie_on_the_grid_inside_the_slide_with_enough_tissue(
        self, seed, mpp, step_px, fraction
    ):
        tissue = some_tissue(seed)
        spec = choose_tile_spec(mpp, (1.0,), 100, step_px, 0.5)
        width, height = 1900, 1700
        coords = tile_grid(tissue, spec, width, height, fraction)
        assert coords.dtype == np.int64
        assert (coords >= 0).all()
        assert (coords + spec.size_level0 <= [width, height]).all()
        index = np.round(coords / spec.step_level0)
        assert np.abs(coords - index * spec.step_level0).max(initial=0) <= 0.5 + 1e-9
        row_major = np.lexsort((coords[:, 0], coords[:, 1]))
        np.testing.assert_array_equal(row_major, np.arange(len(coords)))

        every = tile_grid(shapely.box(0, 0, width, height), spec, width, height, 0)
        boxes = shapely.box(*every.T, *(every + spec.size_level0).T)
        area = shapely.area(shapely.intersection(tissue, boxes)) / spec.size_level0**2
        kept = {tuple(corner) for corner in coords.tolist()}
        for corner, share in zip(every.tolist(), area, strict=True):
            if abs(share - fraction) > 1e-6 and share > 1e-6:
                assert (tuple(corner) in kept) == (share > fraction)

    @given(seed=st.integers(0, 50), y=st.integers(0, 1800), size=st.integers(20, 600))
    def test_fractions_equal_those_of_cut_polygons_and_of_counted_pixels(self, seed, y, size):
        tissue = some_tissue(seed)
        xs = np.arange(0, 1800, 111)
        fractions = tissue_fractions(polygon_edges(tissue), xs, y, size)
        cut = shapely.intersection(tissue, shapely.box(xs, y, xs + size, y + size))
        np.testing.assert_allclose(fractions, shapely.area(cut) / size**2, atol=1e-8)
        grid_y, grid_x = np.mgrid[:40, :40] * (size / 40) + size / 80
        x = int(xs[7])
        counted = shapely.contains_xy(tissue, grid_x + x, grid_y + y).mean()
        assert fractions[7] == pytest.approx(counted, abs=0.05)

    def test_a_step_that_is_no_whole_number_does_not_drift(self):
        spec = choose_tile_spec(0.2521, (1.0,), 256, 256, 0.5)
        starts = grid_positions(100_000, spec)
        assert len(starts) == 196
        assert abs(starts[-1] - (len(starts) - 1) * 256 * 0.5 / 0.2521) <= 0.5

    def test_whole_tiles_are_kept_when_everything_must_be_tissue(self):
        spec = choose_tile_spec(0.5, (1.0,), 100, 100, 0.5)
        tissue = as_multipolygon([shapely.box(100, 100, 400, 301)])
        coords = tile_grid(tissue, spec, 1000, 1000, 1.0)
        expected = [[x, y] for y in (100, 200) for x in (100, 200, 300)]
        assert coords.tolist() == expected

    def test_holes_hold_no_tissue(self):
        spec = choose_tile_spec(0.5, (1.0,), 100, 100, 0.5)
        ring = shapely.box(0, 0, 500, 500) - shapely.box(100, 100, 400, 400)
        assert len(tile_grid(as_multipolygon([ring]), spec, 500, 500, 0.01)) == 16

    def test_an_edit_moves_no_tile(self):
        spec = choose_tile_spec(0.3, (1.0,), 100, 80, 0.5)
        whole = some_tissue(3)
        edited = as_multipolygon([whole - shapely.box(300, 300, 900, 1200)])
        before = {tuple(c) for c in tile_grid(whole, spec, 1920, 1920, 0.3).tolist()}
        after = {tuple(c) for c in tile_grid(edited, spec, 1920, 1920, 0.3).tolist()}
        assert after < before

    def test_slide_smaller_than_a_tile_has_none(self):
        spec = choose_tile_spec(0.5, (1.0,), 256, 256, 0.5)
        assert tile_grid(as_multipolygon([shapely.box(0, 0, 90, 90)]), spec, 90, 90, 0).size == 0


class TestReadTile:
    @pytest.mark.parametrize("target", [0.47, 0.5, 0.8, 1.0, 2.0, 3.0])
    def test_pixels_are_those_of_the_place_at_the_target_scale(self, make_slide, stained, target):
        path = make_slide(stained, downsamples=(1, 4))
        with open_slide(path) as reader:
            spec = choose_tile_spec(0.5, reader.level_downsamples, 128, 128, target)
            tile = read_tile(reader, spec, 960, 448)
        assert tile.shape == (128, 128, 3)
        assert tile.dtype == np.uint8
        # The stained rectangle begins at level-0 column 1024 and row 512.
        green = tile[..., 1].astype(int)
        columns = (green < 190).mean(0) > 0.1
        first = int(np.argmax(columns))
        assert first == pytest.approx(64 * 0.5 / target, abs=1.5)
        assert green[-1, -1] == pytest.approx(130, abs=12)
        assert green[0, 0] == pytest.approx(241, abs=12)


class TestStages:
    def test_from_slide_to_tiles(self, make_slide, stained):
        path = make_slide(stained)
        tissue = segment_slide(path, "s1", TissueParams())
        tiles = tile_slide(path, "s1", tissue, SETTINGS)
        assert (tissue.status, tiles.status) == ("ok", "ok")
        assert tissue.n_contours == 1
        assert tissue.tissue.area == pytest.approx(1024 * 1536, rel=0.01)
        assert tiles.tissue_area_mm2 == pytest.approx(1024 * 1536 * 0.25e-6, rel=0.01)
        expected = [[x, y] for y in range(512, 1536, 256) for x in range(1024, 2560, 256)]
        assert tiles.coords.tolist() == expected
        assert tiles.fingerprint == tissue.fingerprint != ""

    def test_same_field_of_view_whatever_the_scale_of_the_slide(self, make_slide, stained):
        fields = {}
        for mpp in ("0.25", "0.2525"):
            path = make_slide(stained, mpp=mpp, name=f"{mpp}.svs")
            tiles = tile_slide(path, mpp, segment_slide(path, mpp, TissueParams()), SETTINGS)
            fields[mpp] = tiles.spec.size_level0 * float(mpp)
        assert fields["0.25"] == 128
        assert fields["0.2525"] == pytest.approx(128, abs=0.2525 / 2)

    def test_blank_glass_is_empty_with_a_reason(self, make_slide, stained):
        path = make_slide(stained[:512])
        tissue = segment_slide(path, "s1", TissueParams())
        tiles = tile_slide(path, "s1", tissue, SETTINGS)
        assert (tissue.status, tiles.status) == ("empty", "empty")
        assert tissue.reason == tiles.reason == "no tissue of at least 0.05 mm² found"
        assert len(tiles.coords) == 0

    def test_tissue_too_thin_for_a_tile_is_empty_with_its_area(self, make_slide, stained):
        path = make_slide(stained)
        sliver = TissueResult(tissue=as_multipolygon([shapely.box(0, 0, 2000, 20)]))
        tiles = tile_slide(path, "s1", sliver, SETTINGS)
        assert tiles.status == "empty"
        assert tiles.reason == "0.01 mm² of tissue, but no tile of 128 µm has 50% of it"

    def test_missing_scale_fails_until_the_sheet_gives_it(self, make_slide, stained):
        path = make_slide(stained, mpp=None, objective=None)
        failed = segment_slide(path, "s1", TissueParams())
        assert failed.status == "failed"
        assert "column mpp of the sample sheet" in failed.reason
        assert (failed.width, failed.vendor, failed.mpp) == (3072, "aperio", None)
        assert tile_slide(path, "s1", failed, SETTINGS).status == "failed"
        tissue = segment_slide(path, "s1", TissueParams(), sheet_mpp=0.5)
        tiles = tile_slide(path, "s1", tissue, SETTINGS, sheet_mpp=0.5)
        assert (tissue.mpp_source, tiles.mpp_source, len(tiles.coords)) == ("sheet", "sheet", 24)

    def test_outline_without_our_header_is_tiled_from_what_the_slide_states(
        self, make_slide, stained
    ):
        path = make_slide(stained)
        tissue = segment_slide(path, "s1", TissueParams())
        bare = TissueResult(tissue=tissue.tissue, edited=True)
        ours, theirs = (tile_slide(path, "s1", t, SETTINGS) for t in (tissue, bare))
        np.testing.assert_array_equal(ours.coords, theirs.coords)
        assert replace(ours, coords=None) == replace(theirs, coords=None)

    def test_outline_drawn_beyond_the_slide_counts_only_inside(self, make_slide, stained):
        drawn = as_multipolygon([shapely.box(-500, -500, 600, 600)])
        tiles = tile_slide(make_slide(stained), "s1", TissueResult(tissue=drawn), SETTINGS)
        assert tiles.coords.tolist() == [[0, 0], [256, 0], [0, 256], [256, 256]]
        assert tiles.tissue_area_mm2 == pytest.approx(0.09)

    def test_missing_file_fails_both_stages(self, tmp_path):
        path = tmp_path / "gone.svs"
        tissue = segment_slide(path, "s1", TissueParams())
        tiles = tile_slide(path, "s1", tissue, SETTINGS)
        assert (tissue.status, tiles.status) == ("failed", "failed")
        assert tiles.spec is None
        assert "does not exist" in tiles.reason

    @pytest.mark.parametrize(
        ("mpp", "objective", "sheet_mpp", "said"),
        [
            ("0.499", "40", None, ("0.499 µm per px", "40x", "0.25")),
            ("0.25", "40", 0.5, ("the sheet says 0.5", "the file 0.25")),
            ("0.499", "20", None, ()),
            ("0.2208", "40", None, ()),
        ],
    )
    def test_a_scale_at_odds_with_the_objective_is_told_with_both_numbers(
        self, make_slide, stained, mpp, objective, sheet_mpp, said
    ):
        path = make_slide(stained, mpp=mpp, objective=objective)
        tissue = segment_slide(path, "s1", TissueParams(), sheet_mpp)
        tiles = tile_slide(path, "s1", tissue, SETTINGS, sheet_mpp)
        assert tiles.status == "ok"
        assert all(words in tiles.warnings for words in said)
        assert bool(tiles.warnings) == bool(said)

    @pytest.mark.parametrize(("mpp", "about"), [("2.5", "0.25"), ("0.025", "0.25")])
    def test_a_scale_ten_times_wrong_fails_with_both_numbers(self, make_slide, stained, mpp, about):
        path = make_slide(stained, mpp=mpp, objective="40")
        tiles = tile_slide(path, "s1", segment_slide(path, "s1", TissueParams()), SETTINGS)
        assert tiles.status == "failed"
        for words in (mpp, "40x", about):
            assert words in tiles.reason

    @pytest.mark.parametrize("mpp", [0.25, 0.2273, 0.2525, 0.499, 0.5, 0.65])
    @pytest.mark.parametrize("objective", [None, 20.0, 40.0])
    def test_attributes_of_magnification_agree_with_each_other(self, mpp, objective):
        spec = choose_tile_spec(mpp, PYRAMID, 256, 256, 0.65, objective=objective)
        stated = coords_attributes(TileSet("s1", spec=spec))
        by_magnification = (
            stated["patch_size"] * stated["level0_magnification"] / stated["target_magnification"]
        )
        assert by_magnification == pytest.approx(stated["patch_size_level0"], rel=0.015)
        assert stated["objective"] == objective

    def test_a_slide_smaller_than_a_tile_is_told_as_such(self, make_slide, stained):
        path = make_slide(np.ascontiguousarray(stained[600:800, 1100:2000]))
        drawn = TissueResult(tissue=as_multipolygon([shapely.box(0, 0, 900, 200)]))
        tiles = tile_slide(path, "s1", drawn, SETTINGS)
        assert tiles.status == "empty"
        assert "the slide is smaller than a tile: 450 × 100 µm, and a tile has 128" in tiles.reason

    @pytest.mark.parametrize(("left", "status"), [(5000, "empty"), (2700, "ok")])
    def test_an_outline_off_the_slide_is_told_as_such(self, make_slide, stained, left, status):
        drawn = as_multipolygon([shapely.box(left, 0, left + 2000, 900)])
        tiles = tile_slide(make_slide(stained), "s1", TissueResult(tissue=drawn), SETTINGS)
        assert tiles.status == status
        told = tiles.reason if status == "empty" else tiles.warnings
        assert "of the outline lies off the scanned area" in told
        assert f"x {left} to {left + 2000}" in told
