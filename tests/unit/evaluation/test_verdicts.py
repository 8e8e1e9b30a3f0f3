"""One verdict per slide, the confidently wrong first."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.evaluation.verdicts import classes_of, slide_verdicts


def predictions(*rows):
    """Rows (slide_id, fold, label, prediction, probability of b)."""
    table = pd.DataFrame(rows, columns=["slide_id", "fold", "label", "prediction", "prob_b"])
    table.insert(4, "prob_a", 1 - table["prob_b"])
    return table


def test_errors_come_first_and_of_these_the_most_confident():
    found = slide_verdicts(
        predictions(
            ("sure", 0, "a", "a", 0.01),
            ("unsure", 0, "a", "a", 0.45),
            ("wrong", 0, "a", "b", 0.6),
            ("very_wrong", 1, "b", "a", 0.02),
        )
    )
    assert found["slide_id"].tolist() == ["very_wrong", "wrong", "unsure", "sure"]
    assert found["is_error"].tolist() == [True, True, False, False]
    assert found["confidence"].tolist() == pytest.approx([0.98, 0.6, 0.55, 0.99])


def test_a_slide_that_several_folds_test_has_their_mean_and_spread():
    found = slide_verdicts(predictions(("s", 0, "a", "a", 0.4), ("s", 5, "a", "b", 0.8)))
    (row,) = found.to_dict("records")
    assert (row["prediction"], row["n_fits"], row["is_error"]) == ("b", 2, True)
    assert row["confidence"] == pytest.approx(0.6)
    assert row["spread"] == pytest.approx(0.2 * 2**0.5)


def test_an_ensemble_states_its_own_spread():
    table = predictions(("s", 0, "a", "a", 0.3)).drop(columns="fold")
    found = slide_verdicts(table.assign(spread=0.12, n_fits=5))
    assert found[["spread", "n_fits"]].iloc[0].tolist() == [0.12, 5]


def test_without_a_label_there_is_no_error():
    assert not slide_verdicts(predictions(("s", 0, "", "b", 0.9)))["is_error"].any()


def test_one_fit_has_no_spread():
    assert slide_verdicts(predictions(("s", 0, "a", "a", 0.3)))["spread"].isna().all()


def test_classes_keep_the_order_of_the_columns():
    assert classes_of(predictions()) == ["a", "b"]
