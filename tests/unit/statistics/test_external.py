"""Metrics of a cohort that models of another cohort predict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from slidesieve.evaluation.metrics import metric_values
from slidesieve.evaluation.outcomes import outcomes_by_level
from slidesieve.statistics.comparisons import comparisons_table, encoder_comparisons_table
from slidesieve.statistics.external import external_metrics, external_summary, internal_external
from slidesieve.statistics.summary import summary_table

CLASSES = ("a", "b")
KEY = ("enc", "m")


def predictions(seed: int, fold: int | None = None, n: int = 30) -> pd.DataFrame:
    """Predictions that are better than chance; an ensemble's have no fold."""
    rng = np.random.default_rng(seed)
    truth = np.arange(n) % 2
    prob_b = np.clip(truth * 0.3 + 0.35 + rng.normal(0, 0.25, n), 0.01, 0.99)
    table = pd.DataFrame(
        {
            "slide_id": [f"s{i}" for i in range(n)],
            "patient_id": [f"p{i // 2 * 2 + truth[i]}" for i in range(n)],
            "label": [CLASSES[t] for t in truth],
            "prediction": [CLASSES[int(p > 0.5)] for p in prob_b],
            "prob_a": 1 - prob_b,
            "prob_b": prob_b,
        }
    )
    return table if fold is None else table.assign(fold=fold)


@pytest.fixture
def ensembles() -> dict:
    return {KEY: predictions(0)}


@pytest.fixture
def by_fit() -> dict:
    return {KEY: pd.concat([predictions(1, 0), predictions(2, 1)], ignore_index=True)}


def test_each_fold_is_scored_on_the_whole_cohort_and_pooled_is_the_ensemble(ensembles, by_fit):
    table = external_metrics(ensembles, by_fit, CLASSES)
    values = table[table["level"] == "slide"].set_index(["fold", "metric"])["value"]
    for fold, own in (("0", predictions(1)), ("1", predictions(2)), ("pooled", predictions(0))):
        wanted = metric_values(outcomes_by_level(own, CLASSES)["slide"])
        for metric, value in wanted.items():
            assert values[fold, metric] == pytest.approx(value)
    assert set(table["fold"]) == {"0", "1", "pooled"}


def test_the_summary_has_the_ensembles_interval_and_the_spread_of_the_folds(ensembles, by_fit):
    table = external_summary(ensembles, by_fit, CLASSES, 100, 0)
    alone = summary_table(ensembles, CLASSES, 100, 0)
    for column in ("metric", "pooled", "ci_low", "ci_high", "n"):
        assert table[column].tolist() == alone[column].tolist()
    row = table.set_index(["level", "metric"]).loc[("slide", "accuracy")]
    hits = [float((t["label"] == t["prediction"]).mean()) for t in map(predictions, (1, 2))]
    assert (row["mean"], row["std"]) == pytest.approx((np.mean(hits), np.std(hits, ddof=1)))
    assert row["n_folds"] == 2


def side(value: float, low: float, high: float, n: int) -> pd.DataFrame:
    row = (*KEY, "slide", "accuracy", value, low, high, n)
    columns = ["encoder", "model", "level", "metric", "pooled", "ci_low", "ci_high", "n"]
    return pd.DataFrame([row], columns=columns)


def test_the_interval_of_the_difference_is_that_of_the_published_method():
    # Newcombe's interval of a difference of proportions, which the method generalises: 56 of 70
    # against 48 of 80, Wilson intervals of each (Newcombe 1998, table II, method 10, first row).
    inner = side(48 / 80, 0.4904, 0.7006, 80)
    outer = side(56 / 70, 0.6918, 0.8774, 70)
    row = internal_external(inner, outer).iloc[0]
    assert row["difference"] == pytest.approx(0.2)
    assert row["difference_ci_low"] == pytest.approx(0.0524, abs=2e-3)
    assert row["difference_ci_high"] == pytest.approx(0.3339, abs=2e-3)
    assert (row["internal_n"], row["external_n"]) == (80, 70)


def test_a_level_that_only_one_cohort_has_is_left_out():
    patients = side(0.5, 0.4, 0.6, 10).assign(level="patient")
    both = pd.concat([side(0.5, 0.4, 0.6, 10), patients])
    assert internal_external(both, side(0.5, 0.4, 0.6, 10))["level"].tolist() == ["slide"]


def test_ensembles_are_compared_with_one_another():
    table = comparisons_table(
        {KEY: predictions(0), ("enc", "other"): predictions(3)}, "m", CLASSES, 100, 0
    )
    row = table.set_index(["level", "metric", "test"]).loc[
        ("slide", "accuracy", "patient bootstrap")
    ]
    hits = [float((t["label"] == t["prediction"]).mean()) for t in map(predictions, (3, 0))]
    assert row["difference"] == pytest.approx(hits[0] - hits[1])


def test_a_model_is_compared_across_encoders():
    found = encoder_comparisons_table(
        {(encoder, model): predictions(seed, fold=0) for encoder, model, seed in RUNS},
        CLASSES,
        100,
        0,
    )
    pairs = found[["model", "encoder_a", "encoder_b"]].drop_duplicates()
    assert [tuple(pair) for pair in pairs.to_numpy()] == [
        *(("m", "second", "first"), ("m", "third", "first")),
        ("n", "second", "first"),
    ]
    row = found[(found["model"] == "m") & (found["encoder_a"] == "third")]
    row = row.set_index(["level", "metric", "test"]).loc[("slide", "accuracy", "patient bootstrap")]
    hits = [float((t["label"] == t["prediction"]).mean()) for t in map(predictions, (2, 0))]
    assert row["difference"] == pytest.approx(hits[0] - hits[1])


RUNS = [
    *(("first", "m", 0), ("second", "m", 1), ("third", "m", 2)),
    *(("first", "n", 3), ("second", "n", 4)),
]
