"""Calibration is asked for by one key, and adds to a finished study without changing it."""

from __future__ import annotations

import numpy as np
import pytest

from slidesieve.store.tables import read_csv, write_csv

pytestmark = pytest.mark.slow


def test_calibration_joins_a_finished_study_with_both_values_and_runs_nothing_else(toy):
    config = toy.config
    config["evaluation"]["calibrate"] = True
    toy.write_config(config)
    before = toy.csvs()
    assert set(toy.snakemake().rules) - {"all"} == {"calibration"}
    table = read_csv(toy.result("toy/calibration.csv"))
    assert set(table["model"]) == set(config["models"])
    summary = read_csv(toy.result("toy/summary.csv")).set_index(["model", "level", "metric"])
    # Two slides of validation cannot calibrate: both values are the same.
    for row in table.itertuples():
        known = summary.loc[(row.model, row.level, row.metric)]
        expected = [known["pooled"], known["ci_low"], known["pooled"]]
        found = [row.value, row.ci_low, row.calibrated_value]
        np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=1e-6)
    assert "Calibration error" in toy.result("toy/figures/calibration.html").read_text()
    after = toy.csvs()
    assert {path: after[path] for path in before} == before
    # The audit makes both tables over all fits anew.
    assert "0 faults" in toy.snakemake("audit").text
    write_csv(toy.result("toy/calibration.csv"), table.assign(calibrated_value=0.5))
    audited = toy.snakemake("audit", check=False)
    assert audited.code != 0
    assert "calibrated_value of colour_texture abmil" in audited.text
