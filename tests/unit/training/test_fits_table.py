"""A selector that drops far more truth than on its own validation part is said to have failed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.bag_factory import planted_bags
from slidesieve.selector_diagnostics.tables import COLUMNS
from slidesieve.training.fits_table import fits_table
from slidesieve.training.fitted import save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

SPEC = {"aggregator": "mean"}


@pytest.fixture
def folders(tmp_path):
    bags = planted_bags(8, seed=0)
    settings = TrainingSettings(epochs=1)
    fitted = fit_fold(SPEC, bags, [], ("benign", "tumour"), settings, torch.device("cpu"))
    for fold in range(2):
        save_model(tmp_path / f"fold_{fold}", fitted)
    return {("uni", "m"): [tmp_path / f"fold_{fold}" for fold in range(2)]}


def audit(of_test: tuple[float, float]) -> pd.DataFrame:
    rows = [
        ("truth", variant, "slide", str(fold), "recall", value, np.nan, np.nan, 5)
        for variant, values in (("validation", (0.9, 0.9)), ("model", of_test))
        for fold, value in enumerate(values)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_a_fold_that_keeps_far_less_truth_than_its_validation_part_has_a_sign(folders):
    table = fits_table(folders, {("uni", "m"): audit((0.85, 0.4))})
    assert table["truth_recall_val"].tolist() == [0.9, 0.9]
    assert table["truth_recall_test"].tolist() == [0.85, 0.4]
    assert table["signs"][0] == ""
    assert "keeps 0.40 of the truth tiles of the test part, 0.90" in table["signs"][1]


def test_without_truth_masks_nothing_is_known_of_truth(folders):
    table = fits_table(folders, {})
    assert table[["truth_recall_val", "truth_recall_test"]].isna().all(axis=None)
    assert (table["signs"] == "").all()
