"""Metrics of each site's slides."""

from __future__ import annotations

import numpy as np
import pandas as pd

from slidesieve.statistics.sites import site_table


def test_each_site_is_scored_on_its_own_slides():
    labels = ["a", "b", "a", "b", "a", "a"]
    predicted = ["a", "b", "b", "b", "a", "b"]
    table = pd.DataFrame(
        {
            "slide_id": [f"s{i}" for i in range(6)],
            "patient_id": [f"p{i}" for i in range(6)],
            "fold": 0,
            "label": labels,
            "prediction": predicted,
            "prob_a": [0.9 if name == "a" else 0.1 for name in predicted],
            "prob_b": [0.1 if name == "a" else 0.9 for name in predicted],
        }
    )
    site_of = dict(zip(table["slide_id"], ["X", "X", "X", "X", "Y", "Y"], strict=True))
    rows = site_table({("e", "m"): table}, site_of, ("a", "b"), 100, 0)
    found = rows.set_index(["site", "metric"])
    assert found.loc[("X", "accuracy"), "value"] == 0.75
    assert found.loc[("X", "balanced_accuracy"), "value"] == 0.75
    assert found.loc[("Y", "accuracy"), "value"] == 0.5
    assert np.isnan(found.loc[("Y", "balanced_accuracy"), "value"])
    assert found.loc[("X", "accuracy"), ["n", "n_patients"]].tolist() == [4, 4]
