"""The audit recomputes what summary.csv says from metrics.csv."""

from __future__ import annotations

import pytest

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.audit.tables import summary_problems
from slidesieve.evaluation.tables import metrics_table
from slidesieve.statistics import summary_table
from slidesieve.store.tables import write_csv


@pytest.fixture
def tables():
    predictions = {("uni", "abmil"): random_predictions(24)}
    return metrics_table(predictions, CLASSES), summary_table(predictions, CLASSES, 20, seed=0)


def test_a_summary_of_its_metrics_has_no_problem(tables, tmp_path):
    metrics, summary = tables
    write_csv(tmp_path / "summary.csv", summary)
    assert not list(summary_problems(tmp_path / "summary.csv", metrics))


@pytest.mark.parametrize("column", ["mean", "pooled"])
def test_a_value_that_is_not_of_the_metrics_is_named(tables, tmp_path, column):
    metrics, summary = tables
    summary.loc[0, column] += 0.1
    write_csv(tmp_path / "summary.csv", summary)
    (problem,) = summary_problems(tmp_path / "summary.csv", metrics)
    named = " ".join(summary.loc[0, ["encoder", "model", "level", "metric"]])
    assert problem == f"{column} of {named} is not that of metrics.csv"
