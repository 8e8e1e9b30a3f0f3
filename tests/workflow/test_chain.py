"""A folder of slides and a CSV become tables, pictures and a report."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from slidesieve.cli.main import main
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow


def test_every_promised_file_is_there(finished_toy):
    for path in (
        "cohort.csv",
        "folds.csv",
        "metrics.csv",
        "summary.csv",
        "comparisons.csv",
        "fits.csv",
        "cost.csv",
        "tissue/s0.geojson",
        "tissue/s0.jpg",
        "tiles/s0.h5",
        "features/colour_texture/s0.h5",
        "models/colour_texture/abmil/fold_1/weights.safetensors",
        "models/colour_texture/abmil/fold_1/model.json",
        "models/colour_texture/abmil/fold_1/history.csv",
        "predictions/colour_texture/abmil.csv",
        "figures/colour_texture/roc/abmil.png",
        "figures/colour_texture/heatmap/s1.jpg",
        "figures/tissue.jpg",
        "benchmarks/features/colour_texture/0.tsv",
    ):
        assert finished_toy.result(f"toy/{path}").stat().st_size > 0, path


def test_every_slide_is_predicted_once_by_a_model_that_never_saw_its_patient(finished_toy):
    folds = read_csv(finished_toy.result("toy/folds.csv")).set_index("slide_id")
    predictions = read_csv(finished_toy.result("toy/predictions/colour_texture/abmil.csv"))
    assert sorted(predictions["slide_id"]) == sorted(folds.index)
    for row in predictions.itertuples():
        column = folds[f"fold_{row.fold}"]
        assert column[row.slide_id] == "test"
        of_patient = folds["patient_id"] == row.patient_id
        assert set(column[of_patient]) == {"test"}


def test_the_cohort_table_says_what_became_of_each_slide(finished_toy):
    cohort = read_csv(finished_toy.result("toy/cohort.csv"))
    assert cohort["status"].eq("ok").all()
    assert cohort["mpp"].eq(0.5).all()
    assert cohort["mpp_source"].eq("slide").all()
    assert cohort["n_tiles"].gt(20).all()
    parameters = json.loads(cohort["tissue_params"][0])
    assert parameters["thumbnail_mpp"] > 0


def test_scores_agree_with_the_predictions(finished_toy):
    predictions = read_csv(finished_toy.result("toy/predictions/colour_texture/abmil.csv"))
    recall = predictions["prediction"].eq(predictions["label"]).groupby(predictions["label"]).mean()
    keys = ["model", "level", "fold", "metric"]
    metrics = read_csv(finished_toy.result("toy/metrics.csv")).set_index(keys)["value"]
    value = metrics["abmil", "slide", "pooled", "balanced_accuracy"]
    assert value == pytest.approx(recall.mean(), rel=1e-6)


def test_costs_name_tokens_in_and_out(finished_toy):
    cost = read_csv(finished_toy.result("toy/cost.csv"))
    assert set(cost["model"]) == {"abmil", "mean"}
    assert (cost["tokens_out"] == cost["tokens_in"]).all()
    assert (cost["latency_ms_median"] > 0).all()


def test_nothing_is_left_to_do(finished_toy):
    assert not finished_toy.snakemake("-n").jobs


def test_the_audit_passes_and_finds_what_is_broken(toy, monkeypatch, capsys):
    done = toy.snakemake("audit")
    assert "0 faults" in done.text
    predictions = toy.result("toy/predictions/colour_texture/abmil.csv")
    table = read_csv(predictions)
    table.loc[0, "prob_benign"] = 0.9
    table.loc[0, "prob_tumour"] = 0.9
    table.to_csv(predictions, index=False)
    toy.result("toy/tiles/s3.h5").unlink()
    monkeypatch.chdir(toy.folder)
    assert main(["audit"]) == 1
    err = capsys.readouterr().err
    assert "abmil.csv: holds probabilities that do not sum to 1" in err
    assert "missing: results/toy/tiles/s3.h5" in err
    findings = pd.read_csv(toy.result("toy/audit.csv"))
    assert set(findings["status"]) == {"ok", "broken", "missing"}


def test_the_report_holds_tables_and_pictures(toy):
    report = toy.folder / "report.html"
    toy.snakemake("--report", str(report))
    text = report.read_text()
    pages = ("cohort.html", "summary.html", "headline.html")
    for item in (*pages, "roc/abmil.png", "heatmap/s1.jpg", "tissue.jpg"):
        assert item in text, item
    # The first page has the headline in it and no graph of jobs.
    front = text.split("var workflow_desc")[1].split("</script>")[0]
    assert "models by balanced accuracy" in front
    assert "#rulegraph, #brand { display: none }" in front
