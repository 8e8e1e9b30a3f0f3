from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.errors import ContractError
from slidesieve.evaluation import (
    METRICS,
    metric_values,
    metrics_table,
    outcomes_by_level,
    weighted_metrics,
)


def sklearn_values(outcomes, repeats=None) -> dict[str, float]:
    """Every metric but ECE from sklearn, with each case repeated as often as told."""
    times = np.ones(len(outcomes), dtype=int) if repeats is None else repeats
    truth, predicted = np.repeat(outcomes.truth, times), np.repeat(outcomes.predicted, times)
    probability = np.repeat(outcomes.probability, times, axis=0)
    one_hot = np.eye(len(outcomes.classes))[truth]
    return {
        "balanced_accuracy": sk.balanced_accuracy_score(truth, predicted),
        "accuracy": sk.accuracy_score(truth, predicted),
        "auc_macro_ovr": sk.roc_auc_score(one_hot, probability, average="macro"),
        "average_precision": sk.average_precision_score(one_hot, probability, average="macro"),
        "f1_macro": sk.f1_score(truth, predicted, average="macro"),
        "kappa_quadratic": sk.cohen_kappa_score(truth, predicted, weights="quadratic"),
        "log_loss": sk.log_loss(truth, probability),
        "brier": np.mean(np.sum((probability - one_hot) ** 2, axis=1)),
    }


def loop_ece(outcomes) -> float:
    confidence = outcomes.probability[np.arange(len(outcomes)), outcomes.predicted]
    right = outcomes.predicted == outcomes.truth
    total = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return total


@pytest.mark.parametrize("level", ["slide", "patient"])
@pytest.mark.parametrize("classes", [CLASSES, ("no", "yes"), tuple("012345")])
def test_metrics_agree_with_sklearn(level, classes):
    outcomes = outcomes_by_level(random_predictions(60, classes=classes, seed=3), classes)[level]
    values = metric_values(outcomes)
    assert values.pop("ece") == pytest.approx(loop_ece(outcomes), abs=1e-12)
    assert values == pytest.approx(sklearn_values(outcomes), abs=1e-9)


def test_a_weight_counts_like_so_many_copies_of_the_case():
    outcomes = outcomes_by_level(random_predictions(30, seed=5), CLASSES)["slide"]
    weights = np.random.default_rng(0).integers(0, 4, size=(8, len(outcomes)))
    values = weighted_metrics(outcomes, weights.astype(float))
    for row, times in enumerate(weights):
        copies = outcomes.take(np.repeat(np.arange(len(outcomes)), times))
        assert values["ece"][row] == pytest.approx(loop_ece(copies), abs=1e-12)
        for name, expected in sklearn_values(outcomes, times).items():
            assert values[name][row] == pytest.approx(expected, abs=1e-9), name


def test_class_order_decides_quadratic_kappa_and_nothing_else():
    table = random_predictions(60, signal=2.0, seed=1)
    given = metric_values(outcomes_by_level(table, CLASSES)["slide"])
    turned = metric_values(outcomes_by_level(table, ("solid", "acinar", "benign"))["slide"])
    kappas = given.pop("kappa_quadratic"), turned.pop("kappa_quadratic")
    assert kappas[0] != pytest.approx(kappas[1])
    assert given == pytest.approx(turned)


def test_a_perfect_model_gets_the_best_of_every_metric():
    table = random_predictions(12)
    table["prediction"] = table["label"]
    for name in CLASSES:
        table[f"prob_{name}"] = (table["label"] == name).astype(float)
    values = metric_values(outcomes_by_level(table, CLASSES)["patient"])
    losses = {"log_loss", "brier", "ece"}
    assert values == pytest.approx({name: float(name not in losses) for name in METRICS})


def test_patient_probability_is_the_mean_over_the_patients_slides():
    table = random_predictions(6, slides_each=3)
    patients = outcomes_by_level(table, CLASSES)["patient"]
    assert len(patients) == 6
    for name, fold, row in zip(patients.case, patients.fold, patients.probability, strict=True):
        own = table[table["patient_id"] == name]
        assert set(own["fold"]) == {fold}
        np.testing.assert_allclose(row, own[[f"prob_{c}" for c in CLASSES]].mean())
    np.testing.assert_array_equal(patients.predicted, patients.probability.argmax(axis=1))


def test_repeats_of_a_patient_stay_apart_at_patient_level():
    first, second = random_predictions(6, seed=1), random_predictions(6, seed=2)
    second["fold"] += 4
    patients = outcomes_by_level(pd.concat([first, second]), CLASSES)["patient"]
    assert len(patients) == 12
    assert len(set(patients.case)) == 6


def test_metrics_table_holds_every_fold_and_the_pool():
    table = random_predictions(36)
    frame = metrics_table({("uni", "abmil"): table}, CLASSES)
    assert list(frame.columns) == ["encoder", "model", "level", "fold", "metric", "value"]
    assert len(frame) == 2 * (4 + 1) * len(METRICS)
    assert list(frame["fold"].unique()) == ["0", "1", "2", "3", "pooled"]
    cell = frame.query("level == 'slide' and fold == '2' and metric == 'accuracy'")["value"].item()
    own = table[table["fold"] == 2]
    assert cell == pytest.approx((own["label"] == own["prediction"]).mean())


def test_a_fold_that_lacks_a_class_is_undefined_with_the_reason_logged(caplog):
    table = random_predictions(12)
    table = table[~((table["fold"] == 1) & (table["label"] == "solid"))]
    with caplog.at_level(logging.WARNING):
        frame = metrics_table({("uni", "abmil"): table}, CLASSES)
    values = frame.query("level == 'slide' and fold == '1'").set_index("metric")["value"]
    by_class = ["balanced_accuracy", "auc_macro_ovr", "average_precision", "f1_macro"]
    assert values[by_class].isna().all()
    assert values.drop(by_class).notna().all()
    assert "fold 1: balanced_accuracy" in caplog.text
    assert "no case of solid" in caplog.text


def test_kappa_of_one_class_throughout_is_undefined():
    table = random_predictions(8)
    table[["label", "prediction"]] = "solid"
    values = metric_values(outcomes_by_level(table, CLASSES)["slide"])
    assert np.isnan(values["kappa_quadratic"])
    assert values["accuracy"] == 1


def test_row_order_does_not_matter():
    table = random_predictions(20)
    shuffled = table.sample(frac=1, random_state=3)
    frames = [metrics_table({("e", "m"): t}, CLASSES) for t in (table, shuffled)]
    pd.testing.assert_frame_equal(*frames, check_exact=True)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.drop(columns="prob_solid"), "prob_solid"),
        (lambda t: t.iloc[:0], "no row"),
        (lambda t: pd.concat([t, t.iloc[[3]]]), "twice in a fold: s0003"),
        (lambda t: t.assign(label=t["label"].replace("solid", "odd")), "label outside.*s0002"),
        (lambda t: t.assign(prob_solid=t["prob_solid"].where(t.index != 4)), "s0004"),
        (lambda t: t.assign(prob_solid=t["prob_solid"] + (t.index == 4)), "s0004"),
    ],
)
def test_a_table_that_breaks_the_contract_is_refused_by_name(spoil, message):
    with pytest.raises(ContractError, match=message):
        outcomes_by_level(spoil(random_predictions(12)), CLASSES)


def test_where_a_patient_has_two_classes_there_is_no_patient_level():
    predictions = random_predictions(12)
    assert list(outcomes_by_level(predictions, CLASSES)) == ["slide", "patient"]
    mixed = predictions.assign(patient_id=predictions["patient_id"].replace("p001", "p000"))
    assert list(outcomes_by_level(mixed, CLASSES)) == ["slide"]
    table = metrics_table({("e", "m"): mixed}, CLASSES)
    assert set(table["level"]) == {"slide"}
