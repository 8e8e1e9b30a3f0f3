"""Models of one cohort are scored on another, and on none of their own slides."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.toy_cohort import write_sheet
from slidesieve.store.features import read_features, write_features
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow


@pytest.fixture
def elsewhere(toy):
    """The toy study, and a dataset of ready-made features: its own, somewhat brighter."""
    folder = toy.folder / "elsewhere"
    folder.mkdir()
    rows = []
    for number in range(6):
        features = read_features(toy.result(f"toy/features/colour_texture/s{number}.h5"))
        features.features[:] += np.float32(0.01 * (number > 0))
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


def test_a_slide_that_was_trained_on_is_refused_and_without_it_there_are_scores(elsewhere):
    files = ("external.csv", "figures/external.html", "figures/colour_texture/external.png")
    wanted = [f"results/elsewhere/{file}" for file in files]
    refused = elsewhere.snakemake(*wanted, check=False)
    assert refused.code
    assert "1 slide(s) have the features of slides of toy" in refused.text
    assert "trained on them: e0" in refused.text
    sheet = elsewhere.folder / "elsewhere.csv"
    header, _, *others = sheet.read_text().splitlines(keepends=True)
    sheet.write_text("".join([header, *others]))
    done = elsewhere.snakemake(*wanted)
    assert "train" not in done.rules
    table = read_csv(elsewhere.result("elsewhere/external.csv"))
    assert set(table["model"]) == {"abmil", "mean"}
    assert set(table["internal_n"]) == {6}
    assert set(table["external_n"]) == {5}
    internal = read_csv(elsewhere.result("toy/summary.csv"))
    assert table["internal"].tolist() == internal["pooled"].tolist()
    predictions = read_csv(elsewhere.result("elsewhere/predictions/colour_texture/abmil.csv"))
    hits = (predictions["label"] == predictions["prediction"]).mean()
    row = table.set_index(["model", "level", "metric"]).loc[("abmil", "slide", "accuracy")]
    assert row["external"] == pytest.approx(hits, rel=1e-6)
