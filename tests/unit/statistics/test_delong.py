from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.evaluation import metric_values, outcomes_by_level
from slidesieve.statistics import delong
from slidesieve.statistics.delong import two_sided_z


def brute_force(positive, score):
    """DeLong's V10 and V01 from the kernel of every pair."""
    x, y = score[positive][:, None], score[~positive][None, :]
    kernel = (x > y) + 0.5 * (x == y)
    return kernel.mean(axis=1), kernel.mean(axis=0)


def test_two_classes_give_delongs_own_areas_and_covariance():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    yes = np.round(np.clip(rng.normal(0.4 + 0.2 * truth, 0.2, (2, 60)), 0, 1), 1)
    result = delong(truth, np.stack([1 - yes, yes], axis=-1))
    v10, v01 = zip(*(brute_force(truth == 1, score) for score in yes), strict=True)
    expected = np.cov(v10) / len(v10[0]) + np.cov(v01) / len(v01[0])
    np.testing.assert_allclose(result.auc[:, 1], [v.mean() for v in v10])
    np.testing.assert_allclose(result.covariance[1::2, 1::2], expected, atol=1e-15)


def test_macro_of_two_classes_is_the_one_curve():
    truth = np.random.default_rng(1).integers(0, 2, 50)
    yes = np.random.default_rng(2).normal(truth, 1.0)
    result = delong(truth, np.stack([-yes, yes], axis=-1)[None])
    macro = result.contrast(np.array([[0.5, 0.5]]))
    assert macro == pytest.approx(result.contrast(np.array([[0.0, 1.0]])))


def test_areas_of_several_classes_are_those_of_the_metric():
    outcomes = outcomes_by_level(random_predictions(50), CLASSES)["patient"]
    result = delong(outcomes.truth, outcomes.probability[None])
    assert result.auc.mean() == pytest.approx(metric_values(outcomes)["auc_macro_ovr"])


def test_macro_error_is_the_spread_over_fresh_samples():
    rng = np.random.default_rng(4)
    macro = np.full((1, 3), 1 / 3)
    found = []
    for _ in range(600):
        truth = rng.permutation(np.repeat([0, 1, 2], [30, 20, 10]))
        scores = rng.normal(1.0 * np.eye(3)[truth], 1.0)
        found.append(delong(truth, scores[None]).contrast(macro))
    area, error = np.array(found).T
    assert np.sqrt(np.mean(error**2)) == pytest.approx(area.std(), rel=0.1)


def test_equal_models_are_rejected_as_often_as_the_level_says():
    rng = np.random.default_rng(5)
    shares = np.full(3, 1 / 3)
    p_values = []
    for _ in range(500):
        truth = np.arange(60) % 3
        common = rng.normal(size=(60, 3)) + np.eye(3)[truth]
        scores = common + 0.7 * rng.normal(size=(2, 60, 3))
        result = delong(truth, scores)
        p_values.append(two_sided_z(*result.contrast(np.stack([shares, -shares]))))
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.025)
    assert np.mean(np.array(p_values) < 0.5) == pytest.approx(0.5, abs=0.07)


def test_p_of_a_difference():
    assert two_sided_z(0.1, 0.05) == pytest.approx(2 * norm.sf(2))
    assert two_sided_z(-0.1, 0.05) == two_sided_z(0.1, 0.05)
    assert two_sided_z(0.0, 0.0) == 1
    assert np.isnan(two_sided_z(0.3, 0.0))


def test_the_same_scores_twice_differ_by_nothing():
    outcomes = outcomes_by_level(random_predictions(50), CLASSES)["patient"]
    result = delong(outcomes.truth, np.stack([outcomes.probability] * 2))
    shares = np.full(3, 1 / 3)
    assert two_sided_z(*result.contrast(np.stack([shares, -shares]))) == 1


def test_a_class_of_one_case_is_refused():
    with pytest.raises(ValueError, match="two cases of class 0 and two others"):
        delong(np.array([0, 0, 0, 1]), np.zeros((1, 4, 2)))
