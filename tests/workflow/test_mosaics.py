"""A small cohort of mosaics of real tiles goes through the pipeline as any cohort does."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.runner import Study
from slidesieve.selector_diagnostics.truth import read_truth, truth_tiles
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv
from slidesieve.synthetic.mosaic.cohort import MosaicSettings

pytestmark = pytest.mark.slow

SETTINGS = MosaicSettings(
    "lung_n", n_slides=6, blocks=3, tissue_tiles=(20, 30), tumour_share=(0.2, 0.3), artefacts=0.0
)


@pytest.fixture(scope="module")
def tiles(shared_data) -> Path:
    folder = shared_data / "tiles" / "lung"
    if not folder.is_dir():
        pytest.skip(f"folder {folder} of labelled tiles is absent")
    return folder


def test_the_pipeline_takes_mosaics_with_their_folds(tiles, repo, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(repo / "experiments")
    import cohort_study
    import real_tissue

    real_tissue.prepare(tmp_path, tiles, SETTINGS, ["abmil", "random_k", "sparselearn"])
    study = Study(tmp_path)
    study.write_config(study.config | {"training": {"epochs": 5}})
    study.snakemake(*(f"results/known/{name}.csv" for name in ("cohort", "summary")))

    assert study.result("known/folds.csv").read_text() == (tmp_path / "folds.csv").read_text()
    cohort = read_csv(study.result("known/cohort.csv")).set_index("slide_id")
    assert (cohort["status"] == "ok").all()
    for slide, row in cohort.iterrows():
        found = read_features(study.result(f"known/features/colour_texture/{slide}.h5"))
        # Tiles are the mosaic's own: whole cells of its grid, and none of the glass around it.
        assert (found.coords % SETTINGS.tile_px == 0).all()
        assert 10 <= len(found.coords) <= 30
        mask = read_truth(tmp_path / "truth" / f"{slide}.png")
        truth = truth_tiles(mask, found.coords, found.tile_attributes)
        assert truth.any() == (row["label"] == "lung_aca")

    table = cohort_study.results(tmp_path).set_index("model")
    assert table.loc["abmil", "recall"] == 1
    # Slides have fewer tokens than the budget, so this one keeps them all as well.
    assert table.loc["random_k", "recall"] == 1
    assert table.loc["random_k", "minus_abmil"] == pytest.approx(
        table.loc["random_k", "balanced_accuracy"] - table.loc["abmil", "balanced_accuracy"]
    )
