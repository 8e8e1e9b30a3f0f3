"""Models of one cohort are scored on another."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.faults import faults_of
from helpers.toy_cohort import write_sheet
from slidesieve.audit.applied import audit_applied
from slidesieve.store.features import read_features, write_features
from slidesieve.store.tables import read_csv, write_csv

pytestmark = pytest.mark.slow


@pytest.fixture
def elsewhere(toy):
    """The toy study, and a dataset of ready-made features: its own, somewhat brighter."""
    folder = toy.folder / "elsewhere"
    folder.mkdir()
    rows = []
    for number in range(1, 6):
        features = read_features(toy.result(f"toy/features/colour_texture/s{number}.h5"))
        features.features[:] += np.float32(0.01)
        write_features(folder / f"e{number}.h5", features)
        label = "tumour" if number % 2 else "benign"
        rows.append({"slide_id": f"e{number}", "patient_id": f"Q{number}", "label": label})
    write_sheet(toy.folder / "elsewhere.csv", rows)
    config = toy.config
    config["datasets"]["elsewhere"] = {
        "features": "elsewhere",
        "labels": "elsewhere.csv",
        "encoder": "colour_texture",
        "models_from": "toy",
    }
    toy.write_config(config)
    return toy


def test_models_are_scored_on_another_cohort_beside_their_own(elsewhere):
    done = elsewhere.snakemake("results/elsewhere/external.csv")
    assert not {"train", "folds", "tiles"} & set(done.rules)
    table = read_csv(elsewhere.result("elsewhere/external.csv"))
    assert set(table["model"]) == {"abmil", "mean"}
    assert set(table["internal_n"]) == {6}
    assert set(table["external_n"]) == {5}
    internal = read_csv(elsewhere.result("toy/summary.csv"))
    assert table["internal"].tolist() == internal["pooled"].tolist()
    predictions = read_csv(elsewhere.result("elsewhere/predictions/colour_texture/abmil.csv"))
    assert predictions["slide_id"].tolist() == [f"e{number}" for number in range(1, 6)]
    hits = (predictions["label"] == predictions["prediction"]).mean()
    row = table.set_index(["model", "level", "metric"]).loc[("abmil", "slide", "accuracy")]
    assert row["external"] == pytest.approx(hits, rel=1e-6)
    comparisons = read_csv(elsewhere.result("elsewhere/comparisons.csv"))
    assert set(comparisons["model_a"]) == {"abmil"}

    assert faults_of(elsewhere, "elsewhere", audit_applied) == []
    path = elsewhere.result("elsewhere/external.csv")
    table.loc[table["metric"] == "accuracy", "external"] -= 0.1
    write_csv(path, table)
    faults = faults_of(elsewhere, "elsewhere", audit_applied)
    assert {fault.path for fault in faults} == {path}
    assert "external of colour_texture abmil slide accuracy" in faults[0].problem
