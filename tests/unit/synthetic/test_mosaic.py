"""Mosaics: slides of known tiles, blocks that share nothing, truth that lies where tumour is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slidesieve.errors import ConfigError
from slidesieve.selector_diagnostics.truth import read_truth, truth_tiles
from slidesieve.slide.open import open_slide
from slidesieve.splits.folds import check_folds
from slidesieve.store.tables import read_csv
from slidesieve.synthetic.mosaic.artefacts import ARTEFACTS
from slidesieve.synthetic.mosaic.cohort import (
    MosaicSettings,
    classes_of,
    fold_table,
    lay_mosaic,
    plan_cohort,
    write_cohort,
)
from slidesieve.synthetic.mosaic.layout import focus_cells, tissue_cells
from slidesieve.synthetic.mosaic.nests import nest
from slidesieve.synthetic.mosaic.tiles import (
    ORIENTATIONS,
    deal_groups,
    oriented,
    read_labelled_tiles,
    read_tile_picture,
)

GROUPS, COPIES, SIDE = 6, 2, 32
SMALL = MosaicSettings(
    "normal",
    n_slides=12,
    blocks=3,
    tissue_tiles=(30, 40),
    tumour_share=(0.1, 0.2),
    artefacts=0.0,
    tile_px=SIDE,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Tiles of one colour a group, the copies of a group a shade apart."""
    folder = tmp_path_factory.mktemp("tiles")
    rows = ["path,label,prototype_group"]
    for label, blue in (("normal", 40), ("tumour", 200)):
        for group in range(GROUPS):
            for copy in range(COPIES):
                path = f"{label}_{group}_{copy}.png"
                colour = (blue, 30 + 35 * group, 100 + 3 * copy)
                cv2.imwrite(str(folder / path), np.full((SIDE, SIDE, 3), colour, np.uint8))
                rows.append(f"{path},{label},{label}_{group}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def cohort(folder, tmp_path_factory) -> Path:
    work = tmp_path_factory.mktemp("cohort")
    write_cohort(work, folder, SMALL)
    return work


def groups_seen(slide: Path) -> dict[tuple[int, int], str]:
    """Which group each cell of a written slide shows, told from its colour alone."""
    reader = open_slide(slide)
    width, height = reader.width, reader.height
    rgb = reader.read_region(0, 0, 0, width, height)
    seen = {}
    for row in range(height // SIDE):
        for column in range(width // SIDE):
            cell = rgb[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
            _, green, blue = np.median(cell[8:-8, 8:-8].reshape(-1, 3), axis=0)
            if green < 230:
                label = "normal" if blue < 120 else "tumour"
                seen[row, column] = f"{label}_{round((green - 30) / 35)}"
    return seen


def test_no_group_is_on_both_sides_of_a_fold(cohort):
    folds = read_csv(cohort / "folds.csv")
    check_folds(folds, read_csv(cohort / "slides.csv"), ["normal", "tumour"])
    seen = {s: set(groups_seen(cohort / "slides" / f"{s}.svs").values()) for s in folds["slide_id"]}
    for fold in range(SMALL.blocks):
        part_of = folds[f"fold_{fold}"]
        parts = {
            part: set.union(*(seen[s] for s in folds.loc[part_of == part, "slide_id"]))
            for part in ("train", "val", "test")
        }
        assert not parts["train"] & parts["test"]
        assert not parts["train"] & parts["val"]
        assert not parts["val"] & parts["test"]


def test_each_slide_is_tested_once(cohort):
    folds = read_csv(cohort / "folds.csv")
    tested = (folds.filter(like="fold_") == "test").sum(axis=1)
    assert (tested == 1).all()


def test_truth_is_where_the_tumour_tiles_are(cohort):
    folds = read_csv(cohort / "folds.csv")
    for slide, label in zip(folds["slide_id"], folds["label"], strict=True):
        seen = groups_seen(cohort / "slides" / f"{slide}.svs")
        coords = np.array([(column * SIDE, row * SIDE) for row, column in seen])
        reader = open_slide(cohort / "slides" / f"{slide}.svs")
        width, height = reader.width, reader.height
        place = {"level0_width": width, "level0_height": height, "patch_size_level0": SIDE}
        truth = truth_tiles(read_truth(cohort / "truth" / f"{slide}.png"), coords, place)
        assert truth.tolist() == [group.startswith("tumour") for group in seen.values()]
        assert truth.any() == (label == "tumour")
        assert 30 <= len(seen) <= 40


def test_groups_csv_names_what_is_seen(cohort):
    listed = read_csv(cohort / "groups.csv").groupby("slide_id")["group"].agg(set)
    for slide, groups in listed.items():
        assert set(groups_seen(cohort / "slides" / f"{slide}.svs").values()) <= groups


def test_the_same_seed_gives_the_same_slide_and_another_seed_another(folder):
    tiles = read_labelled_tiles(folder)
    pictures = {tile.path: read_tile_picture(tile.path, SIDE) for tile in tiles}

    def slide(seed: int) -> np.ndarray:
        settings = replace(SMALL, seed=seed, artefacts=0.5)
        return lay_mosaic(plan_cohort(tiles, settings)[3], pictures, settings).rgb

    assert np.array_equal(slide(1), slide(1))
    assert not np.array_equal(slide(1), slide(2))


def test_artefacts_change_normal_tiles_and_spare_tumour(folder):
    tiles = read_labelled_tiles(folder)
    pictures = {tile.path: read_tile_picture(tile.path, SIDE) for tile in tiles}
    spoilt = replace(SMALL, artefacts=1.0)
    recipe = next(r for r in plan_cohort(tiles, spoilt) if r.tumour)
    mosaic = lay_mosaic(recipe, pictures, spoilt)
    known = {picture[0, 0].tobytes() for picture in pictures.values()}
    for row, column in np.argwhere(mosaic.tissue):
        cell = mosaic.rgb[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
        if mosaic.focus[row, column]:
            assert cell[0, 0].tobytes() in known
            assert (cell == cell[0, 0]).all()


def test_nests_put_tumour_and_normal_tissue_into_one_tile(folder):
    tiles = read_labelled_tiles(folder)
    pictures = {tile.path: read_tile_picture(tile.path, SIDE) for tile in tiles}
    nested = replace(SMALL, nest_share=(0.3, 0.5))
    recipe = next(r for r in plan_cohort(tiles, nested) if r.tumour)
    mosaic = lay_mosaic(recipe, pictures, nested)
    for row, column in np.argwhere(mosaic.focus):
        cell = mosaic.rgb[row * SIDE : (row + 1) * SIDE, column * SIDE : (column + 1) * SIDE]
        blue = cell[..., 2]
        assert 0.1 < (blue > 150).mean() < 0.6
        assert (blue < 60).any()


@given(share=st.floats(0.05, 0.95), seed=st.integers(0, 1000))
def test_a_nest_takes_its_share_of_the_tile(share, seed):
    cover = nest(np.random.default_rng(seed), 64, share)
    assert (cover > 0).mean() == pytest.approx(share, abs=1 / 64**2 + 1e-9)
    assert cover.min() == 0
    assert cover.max() <= 1


@pytest.mark.parametrize("name", sorted(ARTEFACTS))
def test_artefacts_keep_shape_and_change_pixels(name):
    rgb = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    changed = ARTEFACTS[name](np.random.default_rng(1), rgb)
    assert (changed.shape, changed.dtype) == (rgb.shape, rgb.dtype)
    assert not np.array_equal(changed, rgb)


@settings(deadline=None)
@given(st.integers(1, 400), st.floats(0, 1), st.integers(0, 99))
def test_layouts_have_the_counts_they_are_asked_for(n_cells, share, seed):
    rng = np.random.default_rng(seed)
    tissue = tissue_cells(rng, n_cells)
    focus = focus_cells(rng, tissue, round(share * n_cells))
    assert tissue.sum() == n_cells
    assert focus.sum() == round(share * n_cells)
    assert not (focus & ~tissue).any()
    border = np.ones_like(tissue)
    border[1:-1, 1:-1] = False
    assert not (tissue & border).any()


def test_orientations_are_eight_different_ones():
    picture = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    turned = {oriented(picture, i).tobytes() for i in range(ORIENTATIONS)}
    assert len(turned) == ORIENTATIONS


def test_every_group_is_dealt_once(folder):
    dealt = deal_groups(read_labelled_tiles(folder), 3, seed=5)
    for label, blocks in dealt.items():
        assert sorted(group for block in blocks for group in block) == [
            f"{label}_{group}" for group in range(GROUPS)
        ]


def test_folders_of_pictures_do_without_a_table(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        cv2.imwrite(str(tmp_path / label / "1.png"), np.zeros((4, 4, 3), np.uint8))
    tiles = read_labelled_tiles(tmp_path)
    assert [(tile.label, tile.group) for tile in tiles] == [("a", "a/1.png"), ("b", "b/1.png")]
    assert classes_of(tiles, "b") == ["b", "a"]


def test_mistakes_are_named(folder, tmp_path):
    tiles = read_labelled_tiles(folder)
    with pytest.raises(ConfigError, match="no tiles"):
        read_labelled_tiles(tmp_path)
    with pytest.raises(ConfigError, match="6 groups of tiles for 7 blocks"):
        deal_groups(tiles, 7, seed=0)
    with pytest.raises(ConfigError, match="normal tissue is 'healthy'"):
        plan_cohort(tiles, replace(SMALL, normal="healthy"))
    with pytest.raises(ConfigError, match="5 slides are too few"):
        plan_cohort(tiles, replace(SMALL, n_slides=5))
    with pytest.raises(ConfigError, match="blocks is 2"):
        plan_cohort(tiles, replace(SMALL, blocks=2))
    (tmp_path / "labels.csv").write_text("path,label,prototype_group\nx.png,a,g\ny.png,b,g\n")
    with pytest.raises(ConfigError, match=r"x\.png: no such file") as caught:
        read_labelled_tiles(tmp_path)
    assert "group g has labels a and b" in str(caught.value)


def test_folds_take_turns(folder):
    table = fold_table(plan_cohort(read_labelled_tiles(folder), SMALL), SMALL.blocks)
    assert table["fold_0"].tolist() == ["test", "val", "train"] * 4
    assert table["fold_2"].tolist() == ["val", "train", "test"] * 4
