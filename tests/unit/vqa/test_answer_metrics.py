from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from helpers.vqa_questions import closed, task
from slidesieve.vqa.answer_metrics import metric_cells
from slidesieve.vqa.marked import Marked


def marked(questions, letters):
    right = [letter == q.answer for letter, q in zip(letters, questions, strict=True)]
    return Marked("m", "own", "option", tuple(questions), np.array(letters), np.array(right, float))


def values(questions, letters, weights=None):
    weights = np.ones((1, len(questions))) if weights is None else weights
    return metric_cells(marked(questions, letters), weights)


def test_micro_counts_questions_and_macro_counts_categories():
    questions = [
        closed(1, category="Diagnosis", subcategory="Grading"),
        closed(2, category="Diagnosis", subcategory="Grading"),
        closed(3, category="Diagnosis", subcategory="Staging"),
        closed(4, category="Clinical", subcategory="Risk"),
    ]
    found = {cell: value[0] for cell, value in values(questions, ["A", "B", "A", "B"]).items()}
    assert found["", "", "accuracy"] == pytest.approx(2 / 4)
    assert found["Diagnosis", "", "accuracy"] == pytest.approx(2 / 3)
    assert found["Diagnosis", "Grading", "accuracy"] == pytest.approx(1 / 2)
    assert found["", "", "accuracy_macro_categories"] == pytest.approx((2 / 3 + 0) / 2)
    assert found["", "", "accuracy_macro_subcategories"] == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert found["Diagnosis", "", "accuracy_macro_subcategories"] == pytest.approx((1 / 2 + 1) / 2)
    assert ("Clinical", "", "accuracy_macro_subcategories") not in found


def test_an_answer_that_names_no_option_is_wrong_and_counted():
    found = values([closed(1), closed(2)], ["A", ""])
    assert found["", "", "accuracy"][0] == 0.5
    assert found["", "", "unanswered"][0] == 0.5


def test_a_task_has_the_metrics_of_sklearn_whatever_the_order_of_options():
    questions = task(60)
    rng = np.random.default_rng(1)
    letters = [
        q.answer if rng.random() < 0.6 else q.letters[int(rng.integers(3))] for q in questions
    ]
    truth = [q.answer_text for q in questions]
    said = [
        q.options[q.letters.index(letter)] for q, letter in zip(questions, letters, strict=True)
    ]
    found = values(questions, letters)
    assert found["Grade", "", "balanced_accuracy"][0] == pytest.approx(
        balanced_accuracy_score(truth, said)
    )
    assert found["Grade", "", "f1_macro"][0] == pytest.approx(
        f1_score(truth, said, average="macro")
    )


def test_an_answer_without_option_is_a_miss_of_its_class_in_a_task():
    questions = [
        closed(i, answer, ("low", "high"), category="Grade") for i, answer in enumerate("AAB")
    ]
    found = values(questions, ["A", "", "B"])
    assert found["Grade", "", "balanced_accuracy"][0] == pytest.approx((1 / 2 + 1) / 2)
    assert found["Grade", "", "f1_macro"][0] == pytest.approx((2 / 3 + 1) / 2)


def test_questions_of_various_options_are_no_task():
    questions = [closed(1), closed(2, "A", ("up", "down"))]
    assert ("Side", "", "balanced_accuracy") not in values(questions, ["A", "A"])


def test_weights_are_repetitions():
    questions = task(10, per_case=1)
    letters = ["A"] * 10
    counts = np.array([3, 0, 1, 2, 1, 0, 1, 1, 2, 1])
    repeated = [q for q, count in zip(questions, counts, strict=True) for _ in range(count)]
    weighted = values(questions, letters, counts[None].astype(float))
    plain = values(repeated, ["A"] * len(repeated))
    assert weighted.keys() == plain.keys()
    for cell, value in plain.items():
        np.testing.assert_allclose(weighted[cell], value, err_msg=str(cell))
