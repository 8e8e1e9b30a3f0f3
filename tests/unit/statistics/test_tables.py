from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.errors import ConfigError, ContractError
from slidesieve.evaluation import METRICS, metric_values, metrics_table, outcomes_by_level
from slidesieve.statistics import compare_models, comparisons_table, holm, summary_table


def models(**seeds_or_signal):
    return {name: random_predictions(36, **how) for name, how in seeds_or_signal.items()}


def test_holm_worked_example():
    # Holm on .01, .04, .03, .005: 4 x .005, 3 x .01, 2 x .03, then the running maximum.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])


def test_holm_stops_at_one_and_does_not_count_tests_that_were_not_done():
    np.testing.assert_allclose(holm([0.6, 0.7]), [1.0, 1.0])
    np.testing.assert_allclose(holm([0.01, np.nan, 0.02]), [0.02, np.nan, 0.02])
    assert holm([]).shape == (0,)


def test_summary_is_the_mean_over_folds_and_the_pooled_value_in_its_interval():
    predictions = {("uni", name): table for name, table in models(a={}, b={"seed": 1}).items()}
    summary = summary_table(predictions, CLASSES, resamples=200, seed=0)
    assert len(summary) == 2 * 2 * len(METRICS)
    values = metrics_table(predictions, CLASSES)
    for row in summary.itertuples():
        own = values.query(
            "model == @row.model and level == @row.level and metric == @row.metric"
        ).set_index("fold")["value"]
        assert row.pooled == own["pooled"]
        assert row.ci_low <= row.pooled <= row.ci_high or row.metric == "ece"
        assert row.mean == pytest.approx(own.drop("pooled").mean())
        assert row.std == pytest.approx(np.std(own.drop("pooled"), ddof=1))
        assert (row.n_folds, row.n) == (4, {"slide": 72, "patient": 36}[row.level])


def test_summary_is_the_same_whatever_the_row_order_and_changes_with_the_seed():
    table = random_predictions(24)
    shuffled = table.sample(frac=1, random_state=1)
    one, same = (summary_table({("e", "m"): t}, CLASSES, 100, seed=0) for t in (table, shuffled))
    pd.testing.assert_frame_equal(one, same, check_exact=True)
    other = summary_table({("e", "m"): table}, CLASSES, 100, seed=1)
    assert not one["ci_low"].equals(other["ci_low"])


def test_repeated_cross_validation_counts_slides_once():
    repeats = [
        random_predictions(24, seed=s).assign(fold=lambda t, s=s: t["fold"] + 4 * s) for s in (0, 1)
    ]
    summary = summary_table({("e", "m"): pd.concat(repeats)}, CLASSES, 50, seed=0)
    assert set(summary["n_folds"]) == {8}
    assert set(summary["n"]) == {24, 48}


def test_resamples_that_lose_a_class_are_left_out_and_counted(caplog):
    table = random_predictions(24)
    rare = (table["label"] == "solid") & (table["patient_id"] != "p001")
    table.loc[rare, "label"] = "benign"
    with caplog.at_level(logging.WARNING):
        summary = summary_table({("e", "m"): table}, CLASSES, 200, seed=0)
    # One patient of 24 is missed by (23/24)^24 = 36 % of the resamples.
    assert "e/m, slide level, auc_macro_ovr: undefined in " in caplog.text
    (line,) = [r for r in caplog.messages if r.startswith("e/m, slide level, auc_macro_ovr: und")]
    assert 45 <= int(line.split()[6]) <= 100
    assert summary[["ci_low", "ci_high"]].notna().all().all()


def test_differences_are_model_minus_reference_on_the_pool():
    tables = models(weak={"signal": 0.2}, good={"signal": 3.0, "seed": 2}, other={"seed": 4})
    frame = compare_models(tables, "weak", CLASSES, 300, seed=0, encoder="uni")
    expected = "encoder,level,metric,model_a,model_b,difference,ci_low,ci_high,p,p_holm,test,n"
    assert ",".join(frame.columns) == expected
    assert set(frame["model_b"]) == {"weak"}
    assert set(frame["model_a"]) == {"good", "other"}
    row = frame.query("model_a == 'good' and metric == 'accuracy' and level == 'slide'").iloc[0]
    good, weak = (
        metric_values(outcomes_by_level(tables[m], CLASSES)["slide"]) for m in ("good", "weak")
    )
    assert row["difference"] == pytest.approx(good["accuracy"] - weak["accuracy"])
    assert row["ci_low"] > 0
    assert row["p"] == pytest.approx(2 / 301)
    assert row["p_holm"] == pytest.approx(4 / 301)
    delong = frame[frame["test"] == "delong"]
    assert set(delong["level"]) == {"patient"}
    assert set(delong["metric"]) == {"auc_macro_ovr"} | {f"auc {name}" for name in CLASSES}


def test_bootstrap_and_delong_agree_where_both_apply():
    tables = {
        name: random_predictions(150, slides_each=1, digits=6, **how)
        for name, how in {"a": {"signal": 1.0}, "b": {"signal": 1.5, "seed": 9}}.items()
    }
    frame = compare_models(tables, "a", CLASSES, 2000, seed=0, encoder="e")
    rows = frame.query("level == 'patient' and metric == 'auc_macro_ovr'").set_index("test")
    boot, long = rows.loc["patient bootstrap"], rows.loc["delong"]
    assert boot["difference"] == pytest.approx(long["difference"])
    assert boot["ci_high"] - boot["ci_low"] == pytest.approx(
        long["ci_high"] - long["ci_low"], rel=0.1
    )
    assert boot["p"] == pytest.approx(long["p"], abs=0.05)


def test_a_model_does_not_differ_from_its_copy():
    tables = {"a": random_predictions(30), "b": random_predictions(30)}
    frame = compare_models(tables, "a", CLASSES, 100, seed=0, encoder="e")
    assert (frame["difference"].abs() < 1e-12).all()
    assert (frame["p"] == 1).all()


def test_equal_models_are_rejected_about_as_often_as_the_level_says():
    rejected = []
    for seed in range(0, 80, 2):
        tables = {
            "a": random_predictions(45, seed=seed),
            "b": random_predictions(45, seed=seed + 1),
        }
        frame = compare_models(tables, "a", CLASSES, 200, seed=seed, encoder="e")
        chosen = frame.query("level == 'slide' and metric in ['accuracy', 'log_loss']")
        rejected += list(chosen["p"] < 0.05)
    # 80 tests, in pairs on the same data: the bounds leave three standard errors.
    assert 0 < np.mean(rejected) <= 0.14


def test_only_common_slides_are_compared(caplog):
    tables = {"a": random_predictions(36), "b": random_predictions(36, seed=1).iloc[4:]}
    frame = compare_models(tables, "a", CLASSES, 50, seed=0, encoder="e")
    assert set(frame["n"]) == {68, 34}
    assert "4 predictions of only b or a left out" in caplog.text


def test_delong_is_not_offered_where_patients_are_predicted_more_than_once():
    tables = {
        name: pd.concat(
            [random_predictions(24, seed=s), random_predictions(24, seed=s + 1).assign(fold=9)]
        )
        for name, s in (("a", 0), ("b", 5))
    }
    frame = compare_models(tables, "a", CLASSES, 50, seed=0, encoder="e")
    assert set(frame["test"]) == {"patient bootstrap"}


def test_models_that_disagree_about_the_truth_are_refused():
    tables = {"a": random_predictions(24), "b": random_predictions(24)}
    tables["b"].loc[5, "label"] = "solid" if tables["b"].loc[5, "label"] != "solid" else "benign"
    with pytest.raises(ContractError, match="disagree about the label of s0005"):
        compare_models(tables, "a", CLASSES, 10, seed=0, encoder="e")


def test_models_without_a_common_slide_are_refused():
    tables = {"a": random_predictions(24), "b": random_predictions(24).assign(fold=77)}
    with pytest.raises(ContractError, match="no slide"):
        compare_models(tables, "a", CLASSES, 10, seed=0, encoder="e")


def test_an_unknown_reference_is_a_config_error():
    with pytest.raises(ConfigError, match="compare_to: abmil is none of a, b"):
        compare_models(models(a={}, b={}), "abmil", CLASSES, 10, seed=0, encoder="e")


def test_one_table_for_all_encoders_and_an_empty_one_for_a_single_model():
    predictions = {
        (encoder, name): table
        for encoder in ("uni", "conch")
        for name, table in models(a={}, b={"seed": 1}).items()
    }
    frame = comparisons_table(predictions, "a", CLASSES, 50, seed=0)
    assert frame["encoder"].value_counts().to_dict() == {"uni": 22, "conch": 22}
    alone = comparisons_table({("uni", "a"): random_predictions(24)}, "a", CLASSES, 50, seed=0)
    assert alone.empty
    assert "p_holm" in alone.columns


def test_models_are_compared_on_slides_where_a_patient_has_two_classes():
    a, b = (random_predictions(30, seed=seed) for seed in (0, 1))
    b = b.assign(**{name: a[name] for name in ("patient_id", "fold", "label")})
    mixed = {
        ("e", name): t.assign(patient_id=t["patient_id"].replace("p001", "p000"))
        for name, t in (("m", a), ("n", b))
    }
    table = comparisons_table(mixed, "m", CLASSES, 100, 0)
    assert set(table["level"]) == {"slide"}
    assert set(summary_table(mixed, CLASSES, 100, 0)["level"]) == {"slide"}


@pytest.mark.parametrize(("patients", "has_p"), [(5, False), (6, True)])
def test_a_p_value_needs_six_patients(patients, has_p):
    a, b = (random_predictions(patients, folds=1, seed=seed) for seed in (0, 1))
    b = b.assign(**{name: a[name] for name in ("patient_id", "fold", "label")})
    table = comparisons_table({("e", "m"): a, ("e", "n"): b}, "m", CLASSES, 100, 0)
    assert len(table)
    assert table["p"].notna().any() == has_p
