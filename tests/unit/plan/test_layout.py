"""Every path under results/ is named once."""

from __future__ import annotations

from pathlib import Path

import pytest

from slidesieve.plan import layout

PATTERNS = {
    name: value
    for name, value in vars(layout).items()
    if name.isupper() and isinstance(value, str) and not name.startswith("_") and "/" in value
}


def test_every_pattern_lies_in_results_and_no_two_are_the_same():
    assert all(pattern.startswith("results/") for pattern in PATTERNS.values())
    assert len(set(PATTERNS.values())) == len(PATTERNS)


def test_names_fill_a_pattern_and_the_others_stay_wildcards():
    path = layout.fill(layout.HISTORY, dataset="toy", model="abmil", fold=0)
    assert path == "results/toy/models/{encoder}/abmil/fold_0/history.csv"


def test_a_result_is_found_in_a_folder_of_results_elsewhere():
    path = layout.below(Path("/archive/old"), layout.COHORT, dataset="toy")
    assert path == Path("/archive/old/toy/cohort.csv")


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        (layout.log("cohort"), "results/{dataset}/logs/cohort.log"),
        (layout.log("tiles", "slide"), "results/{dataset}/logs/tiles/{slide}.log"),
        (
            layout.log("train", "model", "fold_{fold}"),
            "results/{dataset}/logs/train/{model}/fold_{fold}.log",
        ),
        (layout.benchmark("tiles", "slide"), "results/{dataset}/benchmarks/tiles/{slide}.tsv"),
    ],
)
def test_logs_and_benchmarks_lie_by_rule_and_wildcards(pattern, path):
    assert pattern == path
