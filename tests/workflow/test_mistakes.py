"""Mistakes are told before the first job, all of them at once."""

from __future__ import annotations

import pytest

from helpers.runner import Study
from helpers.toy_cohort import make_toy, write_sheet


@pytest.fixture
def fresh(tmp_path):
    study = Study(tmp_path)
    make_toy(study)
    return study


def test_bad_config_and_sheet_stop_the_run_with_all_reasons(fresh):
    config = fresh.config
    config["datasets"]["toy"]["tile_pixel"] = 3
    config["models"]["bad"] = {"aggregator": {"name": "abmil", "gatd": True}, "reducer": "randm"}
    config["training"] |= {"patience": 0, "epoch": 3}
    config["evaluation"]["compare_to"] = "abmill"
    config["encoders"] = ["color_texture"]
    fresh.write_config(config)
    text = (fresh.folder / "slides.csv").read_text().replace("s3,P3,tumour", "s3,P2,tumor")
    (fresh.folder / "slides.csv").write_text(text)
    outcome = fresh.snakemake(check=False)
    assert outcome.code != 0
    for words in (
        "unknown key 'tile_pixel'; did you mean 'tile_px'",
        "models.bad: reducer: no 'randm'",
        "unknown key 'gatd'; did you mean 'gated'?",
        "training.patience: 0 must be a whole number of at least 1",
        "training: unknown key 'epoch'; did you mean 'epochs'?",
        "evaluation.compare_to: no model 'abmill'; did you mean 'abmil'?",
        "encoder color_texture: unknown name; did you mean 'colour_texture'?",
        "slides.csv, row 5: label 'tumor' is not among the classes; did you mean 'tumour'?",
    ):
        assert outcome.text.count(words) == 1, (words, outcome.text)
    assert "8 mistake(s)" in outcome.text
    assert not outcome.jobs
    assert not (fresh.folder / "results").exists()


def test_an_unusable_slide_stops_the_run_if_asked_to(fresh):
    (fresh.folder / "slides/s1.svs").write_text("no slide")
    config = fresh.config
    config["datasets"]["toy"]["on_slide_error"] = "fail"
    fresh.write_config(config)
    outcome = fresh.snakemake("results/toy/tissue/s1.geojson", check=False)
    assert outcome.code != 0
    assert "SlideError: slide s1:" in outcome.text


def test_too_many_unusable_slides_stop_the_run_and_are_named(fresh):
    for number in (0, 1):
        (fresh.folder / f"slides/s{number}.svs").unlink()
    outcome = fresh.snakemake("results/toy/features/colour_texture.csv", check=False)
    assert outcome.code != 0
    assert "2 of 6 slides cannot be used, more than max_failed_fraction = 0.2" in outcome.text
    assert "s0: " in outcome.text
    assert "does not exist" in outcome.text


def test_leaking_folds_of_the_user_are_refused_by_name(fresh):
    rows = []
    for number in range(6):
        label = "tumour" if number % 2 else "benign"
        row = {"slide_id": f"s{number}", "patient_id": f"P{number // 2 * 2 + number % 2}"}
        part = "test" if number < 2 else "train"
        rows.append(row | {"label": label, "fold_0": part, "fold_1": part})
    rows[0]["patient_id"] = rows[2]["patient_id"]
    write_sheet(fresh.folder / "my_folds.csv", rows)
    config = fresh.config
    config["datasets"]["toy"]["folds"] = {"file": "my_folds.csv"}
    fresh.write_config(config)
    sheet = (
        (fresh.folder / "slides.csv").read_text().replace("s0,P0", f"s0,{rows[2]['patient_id']}")
    )
    (fresh.folder / "slides.csv").write_text(sheet)
    outcome = fresh.snakemake("results/toy/folds.csv", check=False)
    assert outcome.code != 0
    assert f"patient {rows[2]['patient_id']} is in test (s0) and train (s2)" in outcome.text


def test_a_k_that_differs_from_the_file_of_folds_is_told_before_the_first_job(fresh):
    write_sheet(fresh.folder / "my_folds.csv", [{"slide_id": "s0", "fold_0": "test"}])
    config = fresh.config
    config["datasets"]["toy"]["folds"] = {"k": 3, "file": "my_folds.csv"}
    fresh.write_config(config)
    outcome = fresh.snakemake(check=False)
    assert outcome.code != 0
    assert "datasets.toy.folds.k is 3, but my_folds.csv has 1 fold(s)" in outcome.text
    assert not outcome.jobs


def test_traps_of_yaml_are_told_with_the_other_mistakes(fresh):
    config = fresh.folder / "config.yaml"
    text = config.read_text(encoding="utf-8").replace("epochs: 20", "epochs: 2_0")
    config.write_text(f"{text}report: {{dpi_of_all: 3}}\nreport: {{}}\n", encoding="utf-8")
    outcome = fresh.snakemake("-n", check=False)
    assert outcome.code != 0
    assert "2_0 is read as 20; write the number as a plain decimal" in outcome.text
    assert "key 'report' stands in line" in outcome.text
