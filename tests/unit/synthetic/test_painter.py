"""The demo's slides: what they hold, how they open, what is wrong with the bad ones."""

from __future__ import annotations

import csv
import tracemalloc
from collections import Counter, defaultdict
from dataclasses import dataclass, replace

import cv2
import numpy as np
import openslide
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slidesieve.synthetic.painter import (
    SlideRecipe,
    demo_recipes,
    demo_sheet_rows,
    paint,
    paint_large,
    write_demo_slide,
)
from slidesieve.synthetic.painter.artefacts import fold_tissue
from slidesieve.synthetic.painter.canvas import blank_canvas
from slidesieve.synthetic.painter.contours import (
    blob,
    divide,
    inside,
    jittered_lattice,
    lattice_around,
)
from slidesieve.synthetic.painter.fields import enlarge, fibre_texture, grain_texture
from slidesieve.synthetic.painter.large import RepeatedPicture
from slidesieve.synthetic.painter.layout import plan
from slidesieve.synthetic.painter.nuclei import KINDS, N_ANGLES, sprite_bank, stamp
from slidesieve.synthetic.painter.optics import EOSIN_OD, HAEMATOXYLIN_OD, Optics, scan
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio

SMALL = SlideRecipe(
    "small", "P00", "solid", seed=5, patient_seed=5, tissue_tiles=14.0, side_um=640.0
)


@pytest.fixture(scope="module")
def small():
    return paint(SMALL)


def recipe_of(slide_id: str) -> SlideRecipe:
    return next(recipe for recipe in demo_recipes() if recipe.slide_id == slide_id)


def tissue_tile_lesion_shares(painted, tile_px: int = 256) -> np.ndarray:
    """Lesion share of each tile that is at least half tissue, by saturation."""
    saturation = cv2.cvtColor(painted.rgb, cv2.COLOR_RGB2HSV)[..., 1]
    tissue = (cv2.blur(saturation, (9, 9)) > 15).astype(np.float32)
    n = painted.rgb.shape[0] // tile_px
    cells = tile_px // 16
    tissue = cv2.resize(tissue[: n * tile_px, : n * tile_px], (n, n), interpolation=cv2.INTER_AREA)
    lesion = painted.truth[: n * cells, : n * cells].reshape(n, cells, n, cells).mean(axis=(1, 3))
    return lesion[tissue >= 0.5]


# The cohort


def test_config_holds_the_sheet_of_the_painted_cohort(repo):
    with (repo / "config" / "demo_slides.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == demo_sheet_rows()


def test_cohort_is_40_slides_of_24_patients_in_three_classes():
    recipes = demo_recipes()
    assert len(recipes) == 40
    assert len({recipe.slide_id for recipe in recipes}) == 40
    assert len({recipe.seed for recipe in recipes}) == 40
    label_of = {recipe.patient_id: recipe.label for recipe in recipes}
    assert Counter(label_of.values()) == {"acinar": 8, "solid": 8, "benign": 8}
    assert all(label_of[recipe.patient_id] == recipe.label for recipe in recipes)


def test_every_patient_keeps_a_usable_slide():
    usable = defaultdict(int)
    for recipe in demo_recipes():
        usable[recipe.patient_id] += recipe.defect not in ("blank", "truncated")
    assert min(usable.values()) >= 1
    assert sum(usable.values()) >= 36


def test_each_trouble_occurs_once_and_only_the_slide_without_mpp_gets_it_from_the_sheet():
    defects = Counter(recipe.defect for recipe in demo_recipes() if recipe.defect)
    assert defects == {"no_mpp": 1, "blank": 1, "truncated": 1}
    assert sum(recipe.mpp == 0.25 for recipe in demo_recipes()) == 1
    stated = {row["slide_id"]: row["mpp"] for row in demo_sheet_rows() if row["mpp"]}
    assert stated == {r.slide_id: "0.5" for r in demo_recipes() if r.defect == "no_mpp"}


def test_every_artefact_occurs_in_the_cohort():
    found = {artefact for recipe in demo_recipes() for artefact in recipe.artefacts}
    assert found == {"pen_green", "pen_blue", "pen_black", "fold", "bubble", "dust"}


# The picture


def test_same_recipe_same_pixels_other_seed_other_pixels(small):
    again = paint(SMALL)
    assert np.array_equal(small.rgb, again.rgb)
    assert np.array_equal(small.truth, again.truth)
    assert not np.array_equal(small.rgb, paint(replace(SMALL, seed=6)).rgb)


@pytest.mark.parametrize("slide_id", ["demo_01a", "demo_02a", "demo_03a"])
def test_demo_slide_has_80_tissue_tiles_and_lesion_in_few_of_them(slide_id):
    recipe = recipe_of(slide_id)
    shares = tissue_tile_lesion_shares(paint(recipe))
    assert len(shares) >= 80
    if recipe.label == "benign":
        assert not shares.any()
    else:
        assert 0 < np.mean(shares > 0) < 0.10
        assert shares.max() > 0.95, "no tile shows the lesion alone"


@pytest.mark.parametrize("label", ["acinar", "solid"])
def test_truth_marks_where_nuclei_crowd(label):
    painted = paint(replace(SMALL, label=label))
    size = painted.rgb.shape[1::-1]
    truth = cv2.resize(painted.truth, size, interpolation=cv2.INTER_NEAREST) > 0
    tissue = cv2.cvtColor(painted.rgb, cv2.COLOR_RGB2HSV)[..., 1] > 15
    nucleus = painted.rgb[..., 0] < 110
    assert nucleus[truth].mean() > 2 * nucleus[tissue & ~truth].mean()


def test_finer_scan_shows_the_same_slide_larger(small):
    fine = paint(replace(SMALL, mpp=0.25))
    assert fine.rgb.shape == (2560, 2560, 3)
    assert np.array_equal(fine.truth, small.truth)
    halved = cv2.resize(fine.rgb, (1280, 1280), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(halved.ravel(), small.rgb.ravel())[0, 1] > 0.95


def test_scan_follows_beer_lambert():
    canvas = blank_canvas(512, 512)
    canvas.haematoxylin[:] = 80
    canvas.eosin[:] = 35
    optics = Optics(
        HAEMATOXYLIN_OD, EOSIN_OD[1], np.array([240.0, 242.0, 238.0]), 0.0, 0.5, noise=0.0
    )
    rgb = scan(np.random.default_rng(0), canvas, optics, magnify=1)
    expected = optics.glass * 10 ** -(0.8 * HAEMATOXYLIN_OD + 0.35 * EOSIN_OD[1])
    assert np.abs(rgb.reshape(-1, 3) - expected).max() < 2.5


def test_fold_darkens_tissue_and_leaves_glass_alone():
    canvas = blank_canvas(600, 600)
    canvas.eosin[:, 300:] = 40
    canvas.cover[:, 300:] = 255
    fold_tissue(np.random.default_rng(0), canvas)
    assert not canvas.eosin[:, :300].any()
    assert canvas.eosin[:, 300:].max() > 70


def test_unknown_artefact_is_refused():
    with pytest.raises(ValueError, match="coffee"):
        paint(replace(SMALL, artefacts=("coffee",)))


# Geometry and fields


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), tiles=st.floats(5, 60))
def test_plan_gives_the_tissue_area_asked_for(seed, tiles):
    layout = plan(np.random.default_rng(seed), 3200, 3200, tiles)
    assert (layout.depth_px > 0).sum() * 64 == pytest.approx(tiles * 256**2, rel=0.01)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), spacing=st.floats(10, 60))
def test_lattice_fills_its_outline_and_stays_in_it(seed, spacing):
    rng = np.random.default_rng(seed)
    outline = blob(rng, (300.0, 300.0), 200, 0.05)
    points = jittered_lattice(rng, outline, spacing, 0.1)
    assert inside(outline, points).all()
    polygon = np.round(outline).astype(np.int32)
    area = cv2.contourArea(polygon)
    assert len(points) == pytest.approx(area / (0.87 * spacing**2), rel=0.25, abs=6)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_cells_seeded_inside_an_outline_stay_near_it(seed):
    rng = np.random.default_rng(seed)
    outline = blob(rng, (300.0, 300.0), 120, 0.05)
    seeds = lattice_around(rng, outline, 90, 0.16)
    cells = divide(rng, seeds, (600, 600), 0)
    owned = np.argwhere(inside(outline, seeds)[cells.owner])[:, ::-1].astype(float)
    reach = [-cv2.pointPolygonTest(outline.astype(np.float32), tuple(p), True) for p in owned[::20]]
    assert max(reach) < 90


def test_cells_belong_to_their_nearest_seed():
    rng = np.random.default_rng(1)
    seeds = rng.uniform(5, 115, (12, 2)).round()
    cells = divide(rng, seeds, (120, 120), 0)
    y, x = np.mgrid[:120, :120]
    distance = np.hypot(x[..., None] - seeds[:, 0], y[..., None] - seeds[:, 1])
    taken = np.take_along_axis(distance, cells.owner[..., None], axis=-1)[..., 0]
    # The 5 x 5 chamfer distance of OpenCV is exact to about 2 %.
    assert (taken <= 1.03 * distance.min(axis=-1) + 1).all()


@pytest.mark.parametrize("texture", [fibre_texture, grain_texture])
def test_textures_wrap_without_seam(texture):
    picture = texture().astype(float)
    for axis in (0, 1):
        steps = np.abs(np.diff(picture, axis=axis)).mean()
        seam = np.abs(picture.take(0, axis=axis) - picture.take(-1, axis=axis)).mean()
        assert seam < 1.5 * steps


def test_enlarging_by_strips_equals_enlarging_at_once():
    field = np.random.default_rng(0).random((40, 30), dtype=np.float32)
    whole = cv2.resize(field, (240, 320), interpolation=cv2.INTER_LINEAR)
    strips = np.vstack([enlarge(field, 8, top, top + 64) for top in range(0, 320, 64)])
    np.testing.assert_allclose(strips, whole, atol=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_nuclei_lie_in_the_direction_asked_for(name):
    kind = KINDS[name]
    bank = sprite_bank(np.random.default_rng(0), replace(kind, spread=0.0, irregularity=0.0), 1.0)
    assert len(bank) == N_ANGLES * kind.variants
    moments = cv2.moments(bank[3 * kind.variants])
    angle = 0.5 * np.arctan2(2 * moments["mu11"], moments["mu20"] - moments["mu02"])
    assert angle == pytest.approx(3 * np.pi / N_ANGLES, abs=0.25)


def test_stamp_keeps_the_darker_value_and_leaves_out_what_is_cut():
    target = np.full((20, 20), 50, np.uint8)
    sprite = np.array([[10, 90], [90, 10]], np.uint8)
    stamp(target, [sprite, sprite], np.array([[10.0, 10.0], [0.0, 5.0]]))
    assert target[9:11, 9:11].tolist() == [[50, 90], [90, 50]]
    assert (target == 90).sum() == 2


# The files


def test_openslide_opens_an_aperio_pyramid_with_scale(tmp_path, small):
    path = tmp_path / "small.svs"
    write_demo_slide(SMALL, path, tmp_path / "truth.png")
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert float(slide.properties["openslide.mpp-x"]) == 0.5
        assert float(slide.properties["openslide.objective-power"]) == 20
        assert slide.level_dimensions == ((1280, 1280), (320, 320), (80, 80))
        assert slide.level_downsamples == (1.0, 4.0, 16.0)
        read = np.asarray(slide.read_region((0, 0), 0, (1280, 1280)))[..., :3].astype(int)
        coarse = np.asarray(slide.read_region((0, 0), 1, (320, 320)))[..., :3].astype(int)
    assert np.abs(read - small.rgb).mean() < 6
    averaged = small.rgb.reshape(320, 4, 320, 4, 3).mean(axis=(1, 3))
    assert np.abs(coarse - averaged).mean() < 6
    assert np.array_equal(
        cv2.imread(str(tmp_path / "truth.png"), cv2.IMREAD_UNCHANGED), small.truth
    )
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["small.svs", "truth.png"]


def test_same_recipe_same_bytes(tmp_path):
    for name in ("a.svs", "b.svs"):
        write_demo_slide(SMALL, tmp_path / name, tmp_path / "truth.png")
    assert (tmp_path / "a.svs").read_bytes() == (tmp_path / "b.svs").read_bytes()


def test_slide_without_mpp_still_is_an_aperio_slide(tmp_path):
    path = tmp_path / "no_mpp.svs"
    write_demo_slide(replace(SMALL, defect="no_mpp"), path, tmp_path / "truth.png")
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert "openslide.mpp-x" not in slide.properties
        assert "openslide.objective-power" not in slide.properties


def test_forty_times_scan_says_so(tmp_path):
    path = tmp_path / "fine.svs"
    write_demo_slide(replace(SMALL, mpp=0.25), path, tmp_path / "truth.png")
    with openslide.OpenSlide(path) as slide:
        assert slide.dimensions == (2560, 2560)
        assert float(slide.properties["openslide.mpp-x"]) == 0.25
        assert float(slide.properties["openslide.objective-power"]) == 40


def test_blank_glass_has_no_colour_and_no_lesion():
    blank = paint(replace(SMALL, defect="blank"))
    assert cv2.cvtColor(blank.rgb, cv2.COLOR_RGB2HSV)[..., 1].max() < 20
    assert blank.rgb.min() > 200
    assert not blank.truth.any()


def test_truncated_slide_cannot_be_read(tmp_path):
    path = tmp_path / "cut.svs"
    write_demo_slide(replace(SMALL, defect="truncated"), path, tmp_path / "truth.png")
    assert path.stat().st_size > 10_000
    with pytest.raises(openslide.OpenSlideError):
        openslide.OpenSlide(path).read_region((0, 0), 0, (1280, 1280))


# Large slides


def test_mosaic_shows_the_turned_cell_everywhere():
    rng = np.random.default_rng(0)
    cell = rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)
    turns = np.array([[0, 1], [4, 7]])
    bare = np.array([[False, False], [True, False]])
    mosaic = RepeatedPicture(array_picture(cell, (1, 4)), 120, turns, bare)
    plane = np.vstack(
        [np.hstack([mosaic.block(1, y, x, 50) for x in (0, 50, 100)]) for y in (0, 50, 100)]
    )
    assert plane.shape == (120, 120, 3)
    assert np.array_equal(plane[:64, :64], cell)
    assert np.array_equal(plane[:64, 64:], np.rot90(cell)[:, :56])
    assert len(np.unique(plane[64:, :64].reshape(-1, 3), axis=0)) == 1
    assert np.array_equal(plane[64:, 64:], np.rot90(cell, 3)[:, ::-1][:56, :56])
    assert mosaic.block(4, 0, 0, 99).shape == (30, 30, 3)


def test_large_slide_opens_and_repeats_the_painted_square(tmp_path):
    path = tmp_path / "large.svs"
    paint_large(path, side_px=2500, mpp=0.25, cell_px=1024, seed=3)
    with openslide.OpenSlide(path) as slide:
        assert slide.properties["openslide.vendor"] == "aperio"
        assert float(slide.properties["openslide.mpp-x"]) == 0.25
        assert slide.level_dimensions == ((2500, 2500), (625, 625), (156, 156))
        overview = np.asarray(slide.read_region((0, 0), 2, (156, 156)))[..., :3]
    tissue = cv2.cvtColor(overview, cv2.COLOR_RGB2HSV)[..., 1] > 20
    assert 0.25 < tissue.mean() < 0.75


@dataclass(frozen=True)
class Ramp:
    """A picture of any size that exists only block by block."""

    side_px: int

    def size(self, downsample: int) -> tuple[int, int]:
        return self.side_px // downsample, self.side_px // downsample

    def block(self, downsample: int, top: int, left: int, side: int) -> np.ndarray:
        height, width = self.size(downsample)
        shape = (min(side, height - top), min(side, width - left), 3)
        return np.full(shape, (top // side + left // side) % 256, np.uint8)


def test_writing_a_large_picture_holds_only_a_few_tiles(tmp_path):
    tracemalloc.start()
    write_aperio(tmp_path / "ramp.svs", Ramp(8000), (1, 4), 0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6 < 8000 * 8000 * 3 / 5
