"""A learned selector joins a finished study and is audited."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from helpers.toy_cohort import SIDE_PX
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow

MODEL = {
    "reducer": {"name": "sparselearn", "k": 8, "scorer_dim": 16},
    "aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8},
}
FIGURE = "results/toy/figures/colour_texture/selector/sparselearn.png"


def add_selector(study) -> None:
    """Give the study a selector, and truth masks where its tumours are."""
    config = study.config
    config["models"]["sparselearn"] = MODEL
    config["datasets"]["toy"]["truth"] = "truth"
    study.write_config(config)
    (study.folder / "truth").mkdir()
    for slide in range(6):
        mask = np.zeros((SIDE_PX // 16,) * 2, np.uint8)
        if slide % 2:
            mask[300 // 16 : 620 // 16, 300 // 16 : 620 // 16] = 1
        cv2.imwrite(str(study.folder / f"truth/s{slide}.png"), mask)


def test_a_selector_is_audited_with_its_truth_and_the_truth_reruns_the_audit_alone(toy):
    add_selector(toy)
    whole_run = toy.snakemake("-n").rules
    assert (whole_run["selector_diagnostics"], whole_run["selectors"]) == (1, 1)
    toy.snakemake("results/toy/selectors.csv", FIGURE)
    table = read_csv(toy.result("toy/selectors.csv"))
    assert set(table["model"]) == {"sparselearn"}
    pooled = table[table["fold"] == "pooled"]
    of_evidence = {"evidence", "sufficiency", "necessity"}
    of_soft_path = {"paths", "mass", "leakage"}
    assert set(pooled["topic"]) == {"noise", "folds", "truth", *of_soft_path, *of_evidence}
    assert np.isfinite(pooled["value"]).all()
    by_variant = pooled[pooled["topic"] == "noise"].set_index("variant")["value"]
    assert by_variant["0"] == 1
    tumours = pooled[(pooled["topic"] == "truth") & (pooled["variant"] == "model")]
    assert set(tumours["n"]) == {3}
    paths = read_csv(toy.result("toy/selectors/colour_texture/sparselearn/predictions.csv"))
    for path in ("soft", "hard", "hard_denoised"):
        drawn = paths[(paths["path"] == path) & (paths["draw"] == 0)]
        assert sorted(drawn["slide_id"]) == [f"s{i}" for i in range(6)]
    hard = paths[paths["path"] == "hard"].set_index("slide_id").sort_index()
    for fold in range(2):
        folder = f"toy/models/colour_texture/sparselearn/fold_{fold}"
        assert {"tau", "overlap"} <= set(read_csv(toy.result(f"{folder}/history.csv")).columns)
        of_use = read_csv(toy.result(f"{folder}/predictions.csv")).set_index("slide_id")
        found = hard.loc[of_use.index, "prob_tumour"]
        np.testing.assert_allclose(found, of_use["prob_tumour"], atol=1e-5)
    assert (toy.folder / FIGURE).stat().st_size > 10_000

    whole = np.ones((SIDE_PX // 16,) * 2, np.uint8)
    cv2.imwrite(str(toy.folder / "truth/s1.png"), whole)
    again = toy.snakemake("-n", "results/toy/selectors.csv", FIGURE).rules
    assert set(again) == {"selector_diagnostics", "selector_figure", "selectors"}


def test_studies_without_a_selector_have_no_audit_and_a_missing_truth_folder_is_a_mistake(toy):
    assert not toy.snakemake("-n").jobs
    config = toy.config
    config["datasets"]["toy"]["truth"] = "lesions"
    toy.write_config(config)
    outcome = toy.snakemake("-n", check=False)
    assert "datasets.toy.truth: 'lesions' is not a folder" in outcome.text
