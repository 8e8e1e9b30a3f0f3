from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import openslide
import pytest
import shapely

from slidesieve.errors import TileReadError
from slidesieve.figures.overview_file import read_overview_file
from slidesieve.figures.tissue_overview import write_overview
from slidesieve.slide.open import open_slide
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.spec import read_tile
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.geojson import read_tissue, write_tissue
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

SETTINGS = TileSettings(tile_px=256, target_mpp=0.5, step_px=256, min_tissue_fraction=0.5)


@pytest.fixture(scope="module")
def slides(shared_data: Path) -> Path:
    return shared_data / "slides"


def both_stages(path, sheet_mpp=None):
    tissue = segment_slide(path, path.stem, TissueParams(), sheet_mpp)
    return tissue, tile_slide(path, path.stem, tissue, SETTINGS, sheet_mpp)


def rasterise(polygons, width, height, step):
    ys, xs = np.mgrid[: height // step, : width // step]
    return shapely.contains_xy(polygons, (xs + 0.5) * step, (ys + 0.5) * step)


def test_cmu_tissue_agrees_with_another_tool(slides):
    theirs = np.load(slides / "histolab_tissue-mask-cmu-1-small-region.npy")
    tissue, tiles = both_stages(slides / "CMU-1-Small-Region.svs")
    ours = rasterise(tissue.tissue, 2220, 2967, 8)
    size = ours.shape[::-1]
    theirs = cv2.resize(theirs.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    assert (ours & theirs).sum() / (ours | theirs).sum() >= 0.8
    assert (tissue.mpp, tissue.mpp_source, tissue.objective) == (0.499, "slide", 20)
    assert (tiles.spec.level, tiles.spec.size_level0) == (0, 257)
    assert 30 <= len(tiles.coords) <= 45


def test_cmu_tiles_are_openslides_pixels_at_the_true_scale(slides):
    path = slides / "CMU-1-Small-Region.svs"
    _, tiles = both_stages(path)
    x, y = (int(value) for value in tiles.coords[len(tiles.coords) // 2])
    with open_slide(path) as reader:
        tile = read_tile(reader, tiles.spec, x, y)
    plain = openslide.OpenSlide(path).read_region((x, y), 0, (257, 257)).convert("RGB")
    # Row i: what share of each of 257 px lies under px i of 256.
    edges = np.arange(257) * 257 / 256
    start, end = edges[:-1, None], edges[1:, None]
    under = np.clip(np.minimum(end, np.arange(1, 258)) - np.maximum(start, np.arange(257)), 0, 1)
    weights = under / under.sum(1, keepdims=True)
    expected = np.einsum(
        "ij,jkc,lk->ilc", weights, np.asarray(plain, float), weights, optimize=True
    )
    assert np.abs(tile - expected).max() <= 1


def test_tcga_is_refused_without_mpp(slides):
    tissue, tiles = both_stages(slides / "tcga-cr-7395-01a-01-ts1.svs")
    assert (tissue.status, tiles.status) == ("failed", "failed")
    assert "states no mpp" in tissue.reason
    assert "column mpp of the sample sheet" in tissue.reason


@pytest.mark.parametrize(("mpp", "level", "size_level0"), [(0.5, 0, 256), (0.25, 1, 512)])
def test_tcga_works_once_the_sheet_gives_the_mpp(slides, mpp, level, size_level0):
    tissue, tiles = both_stages(slides / "tcga-cr-7395-01a-01-ts1.svs", sheet_mpp=mpp)
    assert (tissue.status, tissue.mpp_source) == ("ok", "sheet")
    assert (tiles.spec.level, tiles.spec.size_level0) == (level, size_level0)
    share = tissue.tissue.area / (tiles.width * tiles.height)
    assert 0.55 < share < 0.75
    with open_slide(slides / "tcga-cr-7395-01a-01-ts1.svs") as reader:
        shown = [read_tile(reader, tiles.spec, *corner) for corner in tiles.coords[::20]]
    for tile in shown:
        assert cv2.cvtColor(tile, cv2.COLOR_RGB2HSV)[..., 1].mean() > 40


def test_damaged_tiles_cost_their_area_and_no_more(slides):
    tissue, tiles = both_stages(slides / "corrupt_tile_payload.svs")
    whole, _ = both_stages(slides / "CMU-1-Small-Region.svs")
    assert tissue.status == "ok"
    # Two stored tiles of 240 px are damaged.
    assert 0.01 < tissue.unreadable_share < 0.04
    lost = whole.tissue.difference(tissue.tissue)
    assert lost.difference(shapely.box(1060, 1540, 1820, 2060)).area < 0.01 * whole.tissue.area
    with open_slide(slides / "corrupt_tile_payload.svs") as reader:
        with pytest.raises(TileReadError):
            reader.read_region(1200, 1680, 0, 240, 240)
        for corner in tiles.coords:
            x, y = corner
            if x + 257 <= 1200 or x >= 1680 or y + 257 <= 1680 or y >= 1920:
                read_tile(reader, tiles.spec, x, y)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("broken.svs", "in no format that OpenSlide reads"),
        ("unreadable.svs", "more than 10% of the slide cannot be decoded"),
        ("no_mpp.svs", "mpp unknown: the file states no mpp"),
        ("boxes.tiff", "implausible mpp of 352.778"),
        ("pen_green.png", "mpp unknown: the file states no mpp"),
    ],
)
def test_unusable_slides_fail_with_their_reason(slides, tmp_path, name, reason):
    path = slides / name
    tissue, tiles = both_stages(path)
    assert (tissue.status, tiles.status) == ("failed", "failed")
    assert reason in tissue.reason
    assert reason in tiles.reason
    assert len(tiles.coords) == 0
    write_tissue(tmp_path / "failed.geojson", tissue)
    assert read_tissue(tmp_path / "failed.geojson") == tissue
    write_overview(tmp_path / "failed.jpg", path, tissue, tiles)
    assert cv2.imread(str(tmp_path / "failed.jpg")) is not None


def test_dicom_too_small_for_tissue_is_empty(slides):
    tissue, tiles = both_stages(slides / "boxes_0.dcm")
    assert (tissue.status, tiles.status) == ("empty", "empty")
    assert tissue.vendor == "dicom"


def test_overview_shows_outline_and_tiles_where_they_are(slides, tmp_path):
    path = slides / "CMU-1-Small-Region.svs"
    tissue, tiles = both_stages(path)
    write_overview(tmp_path / "a.jpg", path, tissue, tiles)
    write_overview(tmp_path / "b.jpg", path, tissue, tiles)
    assert (tmp_path / "a.jpg").read_bytes() == (tmp_path / "b.jpg").read_bytes()
    picture = read_overview_file(tmp_path / "a.jpg").picture.astype(int)
    step = 2967 / picture.shape[0]
    blue = (picture[..., 2] - picture[..., 0] > 60) & (picture[..., 2] - picture[..., 1] > 60)
    x, y = tiles.coords[0]
    top_edge = blue[round(y / step) - 2 : round(y / step) + 3]
    columns = slice(round(x / step) + 3, round((x + 257) / step) - 3)
    assert top_edge.any(0)[columns].mean() > 0.6
    assert not blue[: round(y / step) - 5, columns].any()
