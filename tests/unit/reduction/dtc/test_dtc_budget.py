"""Token counts of every stage, in whole numbers."""

from __future__ import annotations

from decimal import Decimal, getcontext
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slidesieve.reduction.dtc.budget import plan_slide, target_counts
from slidesieve.reduction.dtc.settings import DTCSettings

counts = st.integers(3, 200_000)
percents = st.integers(1, 100)


@given(counts, percents, st.integers(1, 6))
def test_final_retention_is_exact_after_any_number_of_stages(n, percent, stages):
    settings = DTCSettings(retention=percent / 100, stages=stages)
    assert target_counts(n, settings)[-1] == max(1, -(-n * percent // 100))


@given(counts, percents, st.integers(2, 6))
def test_stages_in_between_are_the_ceiling_of_the_root(n, percent, stages):
    getcontext().prec = 60
    settings = DTCSettings(retention=percent / 100, stages=stages)
    retention = Decimal(percent) / 100
    for t, target in enumerate(target_counts(n, settings), start=1):
        share = (retention.ln() * t / stages).exp()
        # Where N·r^(t/T) is a whole number, its decimal expansion is a hair off it.
        assert abs(target - n * share) < 1 + Decimal("1e-40")
        assert target >= n * share - Decimal("1e-40")


@given(counts, st.lists(percents, min_size=1, max_size=5))
def test_explicit_ratios_multiply(n, percent):
    settings = DTCSettings(stage_ratios=[p / 100 for p in percent])
    numerator, denominator = 1, 1
    for p, target in zip(percent, target_counts(n, settings), strict=True):
        numerator, denominator = numerator * p, denominator * 100
        assert target == -(-n * numerator // denominator)


def test_per_stage_retention_multiplies():
    settings = DTCSettings(retention=0.4, retention_semantics="per_stage")
    assert target_counts(1000, settings) == (400, 160, 64)


def test_the_schedules_of_table_5_end_near_40_percent():
    for ratios in ([0.74] * 3, [0.7, 0.7, 0.82], [0.55, 0.8, 0.91], [0.85, 0.7, 0.67], [0.63] * 2):
        left = plan_slide(13_900, DTCSettings(stage_ratios=ratios))[-1].left
        assert 0.39 < left / 13_900 < 0.41


@given(
    counts,
    percents,
    st.integers(1, 5),
    st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]),
    st.sampled_from(["final", "per_stage"]),
)
def test_merging_and_pruning_add_up(n, percent, stages, fraction, semantics):
    settings = DTCSettings(
        retention=percent / 100,
        stages=stages,
        merge_fraction=fraction,
        retention_semantics=semantics,
        gate_input="relative",
    )
    left = n
    for target, stage in zip(target_counts(n, settings), plan_slide(n, settings), strict=True):
        assert stage.left == target
        assert 0 <= stage.merges <= left // 2
        pruned = left - stage.merges - stage.left
        assert pruned >= 0
        wanted = fraction * (left - target)
        if fraction * (left - target) <= left // 2:
            assert abs(stage.merges - wanted) <= 0.5
        else:
            assert stage.merges == left // 2
        left = stage.left


def test_more_merges_than_pairs_are_capped_and_the_rest_is_pruned():
    (stage,) = plan_slide(13_900, DTCSettings(stage_ratios=[0.4], merge_fraction=1.0))
    assert (stage.merges, stage.left) == (6950, 5560)


def test_merge_fraction_one_leaves_nothing_to_prune_on_the_papers_schedule():
    left = 13_900
    for stage in plan_slide(13_900, DTCSettings(stage_ratios=[0.74] * 3, merge_fraction=1.0)):
        assert left - stage.merges == stage.left
        left = stage.left


def test_all_pairs_halve_the_tokens_whatever_the_retention():
    stages = plan_slide(1001, DTCSettings(retention=0.4, pair_budget="all"))
    assert [stage.left for stage in stages] == [501, 251, 126]


@pytest.mark.parametrize("n", [1, 2])
def test_tiny_bags_are_left_alone(n):
    for stage in plan_slide(n, DTCSettings(retention=0.1)):
        assert (stage.merges, stage.left) == (0, n)


def test_decimal_fractions_mean_what_they_say():
    assert 0.1 * 3 * 10 > 3
    assert target_counts(30, DTCSettings(stage_ratios=[0.1])) == (3,)
    assert ceil(0.07 * 100) == 8
    assert target_counts(100, DTCSettings(retention=0.07, stages=1)) == (7,)
