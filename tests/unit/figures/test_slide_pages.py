"""Pages of slides and of errors: what was cut out is measured, and errors come first."""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
from shapely import Polygon, box, union_all

from slidesieve.evaluation.verdicts import slide_verdicts
from slidesieve.figures.slides.cut_out import cut_outs
from slidesieve.figures.slides.errors_page import errors_page
from slidesieve.figures.slides.page import verdict_words
from slidesieve.figures.slides.pictures import SlidePictures, TopTile
from slidesieve.figures.slides.write import SlidePages, write_slide_pages
from slidesieve.slide.open import open_slide
from slidesieve.store.features import FeatureSet, write_features
from slidesieve.store.tiles import coords_attributes, write_tiles
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.geojson import write_tissue
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

MM2_PER_PX = 0.25e-6
TISSUE, GLASS = (205, 130, 175), (243, 241, 244)


@pytest.fixture
def slide(make_slide):
    """Tissue of 1536 × 1536 px with a hole of 400 × 400, a crumb of 256 × 256, a green line.

    At 0.5 µm per px the hole has 0.04 mm² and the crumb 0.016 mm².
    """
    rgb = np.full((2304, 2304, 3), GLASS)
    rgb[256:1792, 256:1792] = TISSUE
    rgb[800:1200, 800:1200] = GLASS
    rgb[1920:2176, 512:768] = TISSUE
    rgb = np.clip(rgb + np.random.default_rng(0).normal(0, 9, rgb.shape), 0, 255).astype(np.uint8)
    cv2.line(rgb, (1500, 0), (1500, 2304), (20, 140, 60), 160)
    return make_slide(rgb, downsamples=(1, 4))


@pytest.fixture
def cut(slide):
    tissue = segment_slide(slide, "s", TissueParams())
    tiles = tile_slide(slide, "s", tissue, TileSettings(tile_px=256, target_mpp=0.5))
    with open_slide(slide) as reader:
        return tissue, tiles, cut_outs(reader, tissue, tiles)


def test_everything_that_was_cut_out_is_measured(cut):
    tissue, tiles, parts = cut
    area = {part.reason.split(" below")[0]: part.area_mm2 for part in parts}
    pieces = tissue.tissue.geoms
    in_outline = sum(piece.area for piece in pieces) * MM2_PER_PX
    holes = sum(Polygon(hole).area for piece in pieces for hole in piece.interiors) * MM2_PER_PX
    # A px of the thumbnail more or less along every edge.
    assert holes == pytest.approx(0.04, rel=0.15)
    assert area["holes in the tissue"] == pytest.approx(holes, rel=0.15)
    assert area["1 piece"] == pytest.approx(0.016, rel=0.15)
    assert area["pen"] > 0.8 * 160 * 1536 * MM2_PER_PX
    assert area["tissue in which no tile fits, most of it at the edge"] == pytest.approx(
        in_outline - _tiled_mm2(tissue, tiles), rel=0.15
    )


def _tiled_mm2(tissue, tiles):
    """Tissue that lies in tiles, from the polygons."""
    squares = [box(x, y, x + 256, y + 256) for x, y in tiles.coords.tolist()]
    return tissue.tissue.intersection(union_all(squares)).area * MM2_PER_PX


def test_of_an_outline_that_a_person_drew_no_reasons_are_told(slide, cut):
    tissue, tiles, _ = cut
    with open_slide(slide) as reader:
        found = cut_outs(reader, replace(tissue, edited=True), tiles)
    assert {part.reason for part in found} == {
        "holes in the tissue",
        "tissue in which no tile fits, most of it at the edge",
    }


def predictions(*rows):
    table = pd.DataFrame(rows, columns=["slide_id", "label", "prediction", "prob_b"])
    return table.assign(prob_a=1 - table["prob_b"], fold=0)[
        ["slide_id", "fold", "label", "prediction", "prob_a", "prob_b"]
    ]


@pytest.fixture
def wanted(tmp_path, slide, cut):
    """One usable slide, s, that my_model gets wrong."""
    tissue, tiles, _ = cut
    write_tissue(tmp_path / "s.geojson", tissue)
    write_tiles(tmp_path / "s.h5", tiles)
    attributes = {k: v for k, v in coords_attributes(tiles).items() if v is not None}
    features = np.zeros((len(tiles.coords), 4), np.float32)
    write_features(
        tmp_path / "f.h5", FeatureSet("s", features, tiles.coords, tile_attributes=attributes)
    )
    facts = {"vendor": "aperio", "width": 2304, "height": 2304, "mpp_source": "slide"}
    counts = {"n_tiles": len(tiles.coords), "n_contours": 1, "n_tiles_dropped": 2}
    row = {
        "slide_id": "s",
        "status": "ok",
        "patient_id": "P",
        "label": "a",
        "path": str(slide),
        **facts,
        **counts,
    }
    row |= {"tissue_area_mm2": 0.5, "tissue_source": "segmented", "warnings": "pale & thin"}
    return SlidePages(
        pages=tmp_path / "slides",
        errors=tmp_path / "errors.html",
        title="errors",
        classes=["a", "b"],
        cohort=pd.DataFrame([row]),
        index=pd.DataFrame([{"slide_id": "s", "path": str(tmp_path / "f.h5")}]),
        predictions={
            "my_model": predictions(("s", "a", "b", 0.9)),
            "other": predictions(("s", "a", "a", 0.2)),
        },
        model="my_model",
        per_class=1,
        tissue=str(tmp_path / "{slide}.geojson"),
        tiles=str(tmp_path / "{slide}.h5"),
        other_files=[str(tmp_path / "{slide}.geojson"), str(tmp_path / "absent_{slide}.jpg")],
    )


def test_a_page_shows_verdicts_top_tiles_and_what_was_cut_out(wanted):
    n_tiles = wanted.cohort["n_tiles"][0]
    attention = np.linspace(1, 2, n_tiles)
    write_slide_pages(wanted, lambda verdict, features: attention / attention.sum())
    page = (wanted.pages / "s.html").read_text()
    assert "Label a, predicted b with probability 0.90: wrong (my_model)." in page
    assert [name in page for name in ("my_model", "other", "pale &amp; thin")] == [True] * 3
    share = attention[-1] / attention.sum()
    assert f"1: {share:.1%}, {share * n_tiles:.1f} × even" in page
    assert page.count("data:image/jpeg;base64,") == 7
    assert "2 tiles that could not be decoded" in page
    assert 'href="../s.geojson"' in page
    assert "absent_s.jpg" not in page


def test_the_page_of_errors_leads_to_the_page_of_the_slide(wanted):
    write_slide_pages(wanted, lambda verdict, features: np.ones(len(features.coords)))
    page = wanted.errors.read_text()
    assert 'href="slides/s.html"' in page
    assert "my_model got 1 of 1 slides wrong." in page


NO_PICTURES = SlidePictures(b"map", b"thumbnail", (TopTile(b"tile", 0.5, 3.0),), ())


def test_cells_of_the_confusion_lead_to_their_slides(tmp_path):
    table = predictions(("right", "a", "a", 0.1), ("mild", "a", "b", 0.6), ("bold", "a", "b", 0.97))
    shown = dict.fromkeys(["bold", "mild"], NO_PICTURES)
    path = tmp_path / "errors.html"
    errors_page(path, "errors", ["a", "b"], {"m": slide_verdicts(table)}, "m", shown)
    page = path.read_text()
    assert page.index('id="slide-bold"') < page.index('id="slide-mild"')
    targets = set(re.findall(r'href="#([^"]+)"', page))
    assert targets == {"m-a-a", "m-a-b"}
    (cell,) = re.findall(r'<p id="m-a-b">.*?</p>', page)
    assert re.sub("<.*?>", "", cell) == "a, predicted b: bold (0.97), mild (0.60)"


def test_without_labels_there_are_no_errors_to_show(tmp_path):
    path = tmp_path / "errors.html"
    verdicts = {"m": slide_verdicts(predictions(("s", "", "a", 0.1)))}
    errors_page(path, "errors", ["a", "b"], verdicts, "m", {})
    assert "No slide has a label" in path.read_text()


def test_the_spread_of_several_fits_is_told():
    table = predictions(("s", "a", "a", 0.3)).drop(columns="fold")
    row = slide_verdicts(table.assign(spread=0.05, n_fits=5)).to_dict("records")[0]
    assert (
        verdict_words(row) == "Label a, predicted a with probability 0.70 ± 0.05 over 5 fits: right"
    )
