"""One fold of the user's own, the commonest external split, goes through the whole workflow."""

from __future__ import annotations

import pytest

from helpers.runner import Study
from helpers.toy_cohort import make_toy, write_sheet
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow

PART_OF = {0: "train", 1: "train", 2: "val", 3: "val", 4: "test", 5: "test"}


def test_one_fold_predicts_its_test_slides_and_draws_no_others(tmp_path):
    study = Study(tmp_path)
    make_toy(study)
    rows = [
        {
            "slide_id": f"s{number}",
            "patient_id": f"P{number}",
            "label": "tumour" if number % 2 else "benign",
            "fold_0": part.capitalize(),
        }
        for number, part in PART_OF.items()
    ]
    write_sheet(tmp_path / "split.csv", rows)
    config = study.config
    config["datasets"]["toy"]["folds"] = {"file": "split.csv"}
    config["models"]["sparse"] = {"reducer": {"name": "sparselearn", "k": 8}, "aggregator": "abmil"}
    config["training"]["epochs"] = 3
    study.write_config(config)
    study.snakemake()
    predictions = read_csv(study.result("toy/predictions/colour_texture/abmil.csv"))
    assert sorted(predictions["slide_id"]) == ["s4", "s5"]
    assert len(read_csv(study.result("toy/cohort.csv"))) == 6
    assert set(read_csv(study.result("toy/summary.csv"))["n_folds"]) == {1}
    heatmaps = study.result("toy/figures/colour_texture/heatmap").glob("*.jpg")
    assert {path.stem for path in heatmaps} == {"s4", "s5"}
    assert "0 faults" in study.snakemake("audit").text
    assert not study.snakemake("-n").jobs
