"""Calibration on the validation part of each fold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.evaluation.calibration import calibration_of, calibrations, shifted, tempered
from slidesieve.evaluation.outcomes import slide_outcomes
from slidesieve.statistics.calibrated import calibration_table

TWO = ("normal", "tumour")


def predictions(probability_of_tumour, labels, fold=0) -> pd.DataFrame:
    p = np.array(probability_of_tumour, float)
    names = [f"s{i}" for i in range(len(p))]
    return pd.DataFrame(
        {
            "slide_id": names,
            "patient_id": names,
            "fold": fold,
            "label": labels,
            "prediction": np.where(p > 0.5, "tumour", "normal"),
            "prob_normal": 1 - p,
            "prob_tumour": p,
        }
    )


def sure_of_itself(rng, n: int, too_sure: float) -> pd.DataFrame:
    """Two classes whose log odds are right but for a factor."""
    log_odds = rng.normal(0, 2, n)
    truth = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    p = 1 / (1 + np.exp(-too_sure * log_odds))
    return predictions(p, np.where(truth, "tumour", "normal"))


def test_the_temperature_takes_back_what_was_too_sure():
    table = sure_of_itself(np.random.default_rng(0), 20_000, too_sure=3.0)
    found = calibration_of(slide_outcomes(table, TWO))
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    after = tempered(table, TWO, found)
    assert after["prediction"].equals(table["prediction"])
    p = table["prob_tumour"].iloc[0]
    expected = softmax(np.log([1 - p, p]) / found.temperature)[1]
    assert after["prob_tumour"].iloc[0] == pytest.approx(expected)


def test_the_threshold_lies_in_the_middle_of_what_tells_the_classes_apart():
    table = predictions([0.6, 0.7, 0.9, 0.95], ["normal", "normal", "tumour", "tumour"])
    found = calibration_of(slide_outcomes(table, TWO))
    log_odds = [np.log(p / (1 - p)) for p in (0.7, 0.9)]
    np.testing.assert_allclose(found.offsets, [0, -np.mean(log_odds)])
    assert shifted(table, TWO, found)["prediction"].tolist() == table["label"].tolist()


def test_a_threshold_that_is_as_good_as_any_stays_where_it_is():
    table = predictions([0.1, 0.2, 0.9, 0.8], ["normal", "normal", "tumour", "tumour"])
    np.testing.assert_array_equal(calibration_of(slide_outcomes(table, TWO)).offsets, [0, 0])


def test_thresholds_of_three_classes_mend_a_class_that_is_never_named():
    table = random_predictions(60, signal=4.0)
    columns = [f"prob_{name}" for name in CLASSES]
    spoiled = table.copy()
    spoiled[columns] = softmax(np.log(table[columns].to_numpy() + 1e-9) - [0, 0, 9], axis=1)
    spoiled["prediction"] = np.array(CLASSES)[spoiled[columns].to_numpy().argmax(axis=1)]
    found = calibration_of(slide_outcomes(spoiled, CLASSES))
    right = [
        (of["prediction"] == of["label"]).mean()
        for of in (spoiled, shifted(spoiled, CLASSES, found))
    ]
    assert right[0] < 0.8 < 0.9 < right[1]


def test_the_table_holds_both_values_and_each_fold_has_its_own_calibration():
    labels = ["normal", "normal", "tumour", "tumour"] * 5
    test = pd.concat(
        [
            predictions([0.6, 0.7, 0.9, 0.95] * 5, labels, 0),
            predictions([0.1, 0.2, 0.3, 0.4] * 5, labels, 1),
        ]
    )
    test["slide_id"] = test["patient_id"] = [f"t{i}" for i in range(len(test))]
    validation = {
        fold: predictions(p, labels[:4], fold)
        for fold, p in ((0, [0.6, 0.7, 0.9, 0.95]), (1, [0.1, 0.2, 0.3, 0.4]))
    }
    table = calibration_table({("e", "m"): test}, {("e", "m"): validation}, TWO, 50, seed=0)
    row = table.query("level == 'slide' and metric == 'balanced_accuracy'").iloc[0]
    assert (row["value"], row["calibrated_value"], row["difference_value"]) == (0.5, 1.0, 0.5)
    assert row["difference_ci_low"] > 0
    assert set(table["method"]) == {"temperature", "thresholds"}


def test_a_fold_whose_validation_part_lacks_a_class_stays_as_it_is():
    empty, single = predictions([], []), predictions([0.4], ["tumour"])
    assert calibrations({0: empty, 1: single}, TWO) == {}
    table = predictions([0.6, 0.9] * 4, ["normal", "tumour"] * 4)
    found = calibration_table({("e", "m"): table}, {("e", "m"): {0: empty}}, TWO, 50, seed=0)
    assert (found["difference_value"] == 0).all()
