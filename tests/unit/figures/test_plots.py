from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.evaluation import outcomes_by_level
from slidesieve.figures.confusion import confusion_figure
from slidesieve.figures.curves import roc_figure, roc_heights
from slidesieve.figures.dotplot import metric_dot_plot
from slidesieve.statistics import summary_table


def words_of(svg) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text())


@pytest.fixture(scope="module")
def predictions():
    return random_predictions(24, signal=1.5)


@pytest.fixture(scope="module")
def summary(predictions):
    tables = {("uni", "abmil"): predictions, ("uni", "mean"): random_predictions(24, seed=1)}
    return summary_table(tables, CLASSES, 50, seed=0)


def test_roc_heights_are_those_of_sklearns_curve(predictions):
    outcomes = outcomes_by_level(predictions, CLASSES)["slide"]
    for c in range(3):
        (heights,) = roc_heights(outcomes, np.ones((1, len(outcomes))), c)
        truth, score = outcomes.truth == c, outcomes.probability[:, c]
        fpr, tpr, _ = roc_curve(truth, score, drop_intermediate=False)
        for at in (0.0, 0.25, 0.5, 0.785, 1.0):
            # Of a vertical step the top: the largest height at or just beyond `at`.
            expected = np.interp(at + 1e-9, fpr, tpr)
            assert heights[round(at * 200)] == pytest.approx(expected, abs=1e-6)
        assert np.trapezoid(heights, dx=1 / 200) == pytest.approx(
            roc_auc_score(truth, score), abs=0.006
        )


def test_roc_heights_without_a_class_are_undefined(predictions):
    outcomes = outcomes_by_level(predictions, CLASSES)["slide"]
    weights = np.stack([np.ones(len(outcomes)), outcomes.truth != 1]).astype(float)
    heights = roc_heights(outcomes, weights, 1)
    assert np.isfinite(heights[0]).all()
    assert np.isnan(heights[1]).all()


def test_roc_figure_states_each_classs_area(predictions, tmp_path):
    out = tmp_path / "roc.svg"
    roc_figure(predictions, CLASSES, "slide", "title", 50, 0, out)
    text = " ".join(words_of(out))
    outcomes = outcomes_by_level(predictions, CLASSES)["slide"]
    for c, name in enumerate(CLASSES):
        area = roc_auc_score(outcomes.truth == c, outcomes.probability[:, c])
        assert f"AUC {area:.3f}" in text
        assert f"{name}: 16 slides, 32 others" in text


def test_confusion_figure_holds_counts_and_shares_of_the_true_class(predictions, tmp_path):
    out = tmp_path / "confusion.svg"
    confusion_figure(predictions, CLASSES, "slide", "title", out)
    words = words_of(out)
    for name in CLASSES:
        own = predictions[predictions["label"] == name]
        for predicted in CLASSES:
            count = (own["prediction"] == predicted).sum()
            assert str(count) in words
            assert f"{count / len(own):.0%}" in words
    assert words.count("(16 slides)") == 3


def test_dot_plot_names_models_and_says_which_way_is_better(summary, tmp_path):
    out = tmp_path / "dots.svg"
    metric_dot_plot(summary, ["accuracy", "log_loss"], "slide", "title", out)
    words = words_of(out)
    assert {"abmil", "mean", "Accuracy", "Log loss"} <= set(words)
    assert words.count("higher is better") == words.count("lower is better") == 1


def test_dot_plot_names_encoders_only_if_there_are_several(summary, tmp_path):
    out = tmp_path / "dots.svg"
    both = pd.concat([summary, summary.assign(encoder="conch")])
    metric_dot_plot(both, ["accuracy"], "slide", "title", out)
    assert {"uni · abmil", "conch · mean"} <= set(words_of(out))


def same_without_a_date(draw, first, second) -> bool:
    draw(first)
    draw(second)
    dated = re.search(rb"20\d\d-\d\d-\d\d|D:20\d\d", first.read_bytes())
    return first.read_bytes() == second.read_bytes() and not dated


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_equal_input_gives_equal_bytes(predictions, tmp_path, ending):
    assert same_without_a_date(
        lambda out: confusion_figure(predictions, CLASSES, "patient", "t", out),
        tmp_path / f"a.{ending}",
        tmp_path / f"b.{ending}",
    )


def test_equal_draws_give_equal_bands(predictions, tmp_path):
    assert same_without_a_date(
        lambda out: roc_figure(predictions, CLASSES, "patient", "t", 20, 0, out),
        tmp_path / "a.svg",
        tmp_path / "b.svg",
    )
