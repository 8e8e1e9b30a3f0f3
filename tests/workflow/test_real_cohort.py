"""Real slides, whole and broken, go through the same rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openslide
import pytest
import shapely

from helpers.runner import Study
from helpers.toy_cohort import finished_once, write_sheet
from slidesieve.store.tables import read_csv
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio
from slidesieve.tissue.geojson import read_tissue

pytestmark = pytest.mark.slow

CMU, TCGA = "CMU-1-Small-Region.svs", "tcga-cr-7395-01a-01-ts1.svs"
# slide_id, patient, file, mpp in the sheet. The TCGA slide states no scale of its own. `no_mpp.svs`
# has the pixels of the CMU slide, and one slide may stand for one patient only.
CMU_LIKE = [
    ("cmu", "cmu", CMU, ""),
    ("cmu_mpp_from_sheet", "cmu", "no_mpp.svs", "0.499"),
    ("no_mpp", "cmu", "no_mpp.svs", ""),
    ("cmu_part", "cmu_part", CMU, "0.499"),
    ("corrupt_tiles", "corrupt_tiles", "corrupt_tile_payload.svs", ""),
    ("broken", "broken", "broken.svs", ""),
]
TCGA_LIKE = [
    ("tcga", "tcga", TCGA, "0.5"),
    *((f"tcga_part{n}", f"tcga_{n}", TCGA, "0.5") for n in range(3)),
    ("unreadable", "unreadable", "unreadable.svs", ""),
    ("absurd_mpp", "absurd_mpp", "boxes.tiff", ""),
    ("missing", "missing", "nowhere.svs", ""),
]
GOOD = ("cmu", "cmu_mpp_from_sheet", "corrupt_tiles", "tcga")


@pytest.fixture(scope="module")
def study(shared_data, tmp_path_factory) -> Study:
    return finished_once(
        tmp_path_factory, "real", lambda study: make_real_cohort(study, shared_data / "slides")
    )


def write_part(slide: Path, path: Path, left_px: int) -> None:
    """Write a slide without its first columns, as another piece of the same tissue."""
    with openslide.OpenSlide(str(slide)) as whole:
        width, height = whole.dimensions
        size = min(width, 2400) - left_px, min(height, 2400)
        rgb = np.asarray(whole.read_region((left_px, 0), 0, size).convert("RGB"))
    write_aperio(path, array_picture(rgb, (1, 4)), (1, 4), mpp=None)


def make_real_cohort(study: Study, slides_folder: Path) -> None:
    (study.folder / "slides").mkdir()
    rows = []
    for label, slides in (("cmu", CMU_LIKE), ("tcga", TCGA_LIKE)):
        for number, (slide_id, patient, file, mpp) in enumerate(slides):
            path = f"slides/{slide_id}.svs"
            if "_part" in slide_id:
                write_part(slides_folder / file, study.folder / path, 40 * number)
            elif (slides_folder / file).exists():
                (study.folder / path).symlink_to(slides_folder / file)
            row = {"slide_id": slide_id, "patient_id": f"P_{patient}", "label": label}
            rows.append(row | {"path": path, "mpp": mpp})
    write_sheet(study.folder / "slides.csv", rows)
    study.write_config(
        {
            "datasets": {
                "real": {
                    "slides": "slides.csv",
                    "classes": ["cmu", "tcga"],
                    "max_failed_fraction": 0.6,
                    "folds": {"k": 2, "seed": 1},
                }
            },
            "encoders": ["colour_texture"],
            "models": {"mean": {"aggregator": "mean"}},
            "training": {"epochs": 10},
            "evaluation": {"bootstrap": 100},
            "report": {"heatmaps_per_class": 3},
        }
    )


@pytest.fixture(scope="module")
def cohort(study):
    return read_csv(study.result("real/cohort.csv")).set_index("slide_id")


def test_good_slides_are_used_at_their_true_scale(cohort):
    for slide_id in GOOD:
        assert cohort.loc[slide_id, "status"] == "ok", cohort.loc[slide_id, "reason"]
    assert cohort.loc["cmu", "mpp_source"] == "slide"
    assert cohort.loc["cmu", "mpp"] == pytest.approx(0.499, abs=1e-3)
    assert cohort.loc["tcga", "mpp_source"] == "sheet"


@pytest.mark.parametrize(
    ("slide_id", "words"),
    [
        ("no_mpp", "column mpp of the sample sheet"),
        ("broken", "broken"),
        ("unreadable", "cannot be decoded"),
        ("absurd_mpp", "mpp"),
        ("missing", "does not exist"),
    ],
)
def test_bad_slides_are_quarantined_with_a_reason(cohort, slide_id, words):
    assert cohort.loc[slide_id, "status"] == "failed"
    assert words in cohort.loc[slide_id, "reason"]


def test_damaged_tiles_are_dropped_and_counted(cohort):
    damaged = cohort.loc["corrupt_tiles"]
    assert 0 < damaged["n_tiles_dropped"] < damaged["n_tiles"]
    assert cohort.loc["cmu", "n_tiles_dropped"] == 0


def test_the_cohort_still_trains_and_passes_the_audit(study, cohort):
    predictions = read_csv(study.result("real/predictions/colour_texture/mean.csv"))
    assert set(predictions["slide_id"]) == set(cohort.index[cohort["status"] == "ok"])
    assert study.snakemake("audit").code == 0


def test_tissue_agrees_with_another_tools_mask(study, shared_data):
    mask = np.load(shared_data / "slides/histolab_tissue-mask-cmu-1-small-region.npy").astype(bool)
    height, width = mask.shape
    tissue = read_tissue(study.result("real/tissue/cmu.geojson"))
    x = (np.arange(width) + 0.5) * tissue.width / width
    y = (np.arange(height) + 0.5) * tissue.height / height
    ours = shapely.contains_xy(tissue.tissue, *np.meshgrid(x, y))
    assert (ours & mask).sum() / (ours | mask).sum() >= 0.8
