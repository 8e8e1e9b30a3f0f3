from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.evaluation import outcomes_by_level
from slidesieve.statistics import bootstrap, cluster_weights, percentile_interval, two_sided_p
from slidesieve.statistics.bootstrap import bootstrap_metrics


def test_every_resample_draws_as_many_patients_as_there_are_and_keeps_their_slides_together():
    patients = np.array(["b", "a", "b", "c", "a", "b"])
    (weights,) = cluster_weights(patients, resamples=200, seed=1)
    assert weights.shape == (200, 6)
    for name in "abc":
        own = weights[:, patients == name]
        assert (own == own[:, :1]).all()
    first_slides = weights[:, [0, 1, 3]]
    assert (first_slides.sum(axis=1) == 3).all()
    # Poisson(1)-like counts: each patient is absent from (2/3)³ of the resamples.
    assert (first_slides == 0).mean() == pytest.approx((2 / 3) ** 3, abs=0.05)


def test_same_seed_same_draws_in_blocks_of_any_size(monkeypatch):
    patients = np.arange(50) // 2
    whole = np.concatenate(list(cluster_weights(patients, 40, seed=7)))
    monkeypatch.setattr(bootstrap, "_CELLS_AT_A_TIME", 150)
    blocks = list(cluster_weights(patients, 40, seed=7))
    assert len(blocks) > 10
    np.testing.assert_array_equal(np.concatenate(blocks), whole)
    other = np.concatenate(list(cluster_weights(patients, 40, seed=8)))
    assert not np.array_equal(other, whole)


def test_interval_agrees_with_scipys_bootstrap_where_every_patient_has_one_slide():
    outcomes = outcomes_by_level(random_predictions(150, slides_each=1), CLASSES)["slide"]
    low, high = percentile_interval(bootstrap_metrics(outcomes, 4000, seed=0)["accuracy"])
    theirs = stats.bootstrap(
        ((outcomes.predicted == outcomes.truth).astype(float),),
        np.mean,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_slides_of_one_patient_do_not_narrow_the_interval():
    outcomes = outcomes_by_level(random_predictions(60, slides_each=1), CLASSES)["slide"]
    tenfold = outcomes.take(np.repeat(np.arange(len(outcomes)), 10))
    once = bootstrap_metrics(outcomes, 500, seed=0)
    many = bootstrap_metrics(tenfold, 500, seed=0)
    for name in once:
        assert percentile_interval(many[name]) == pytest.approx(percentile_interval(once[name]))


def test_undefined_resamples_are_left_out():
    values = np.array([np.nan, 1.0, 2.0, 3.0, np.nan])
    assert percentile_interval(values) == percentile_interval(values[1:4])
    assert two_sided_p(values) == two_sided_p(values[1:4])
    assert np.isnan(percentile_interval(np.full(3, np.nan))).all()
    assert np.isnan(two_sided_p(np.full(3, np.nan)))


def test_p_is_small_away_from_zero_one_around_it_and_never_nothing():
    rng = np.random.default_rng(0)
    assert two_sided_p(np.zeros(999)) == 1
    assert two_sided_p(rng.normal(10, 1, 999)) == pytest.approx(2 / 1000)
    z = 1.3
    expected = 2 * stats.norm.sf(z)
    assert two_sided_p(rng.normal(z, 1, 100_000)) == pytest.approx(expected, abs=0.005)
    assert two_sided_p(rng.normal(-z, 1, 100_000)) == pytest.approx(expected, abs=0.005)


def test_p_below_a_twentieth_means_an_interval_without_zero():
    rng = np.random.default_rng(3)
    for centre in np.linspace(-3, 3, 61):
        values = rng.normal(centre, 1, 2000)
        low, high = percentile_interval(values)
        p = two_sided_p(values)
        if abs(p - 0.05) > 0.002:
            assert (p < 0.05) == (low > 0 or high < 0)
