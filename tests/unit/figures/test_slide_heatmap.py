"""Heat maps are of usable slides, and say what was predicted."""

from __future__ import annotations

import pandas as pd

from slidesieve.figures.slide_heatmap import prediction_words, slides_to_show


def tables(labels, statuses, folds=1):
    slides = [f"s{number}" for number in range(len(labels))]
    cohort = pd.DataFrame({"slide_id": slides, "status": statuses, "path": slides})
    ok = [
        {"slide_id": slide, "fold": fold, "label": label, "prediction": "b", "prob_b": 0.8}
        for fold in range(folds)
        for slide, label, status in zip(slides, labels, statuses, strict=True)
        if status == "ok"
    ]
    return cohort, pd.DataFrame(ok[::-1]).sort_values("fold", kind="stable")


def test_the_first_usable_slides_of_each_class_are_shown():
    cohort, predictions = tables("aabbaab", ["failed", "ok", "empty", *["ok"] * 4])
    chosen = slides_to_show(cohort, predictions, 2)
    assert chosen["slide_id"].tolist() == ["s1", "s3", "s4", "s6"]


def test_slides_that_no_fold_tests_are_not_shown():
    cohort, predictions = tables("ab", ["ok", "ok"])
    shown = slides_to_show(cohort, predictions[predictions["slide_id"] != "s0"], 5)
    assert shown["slide_id"].tolist() == ["s1"]


def test_of_repeated_folds_the_first_counts():
    chosen = slides_to_show(*tables("ab", ["ok", "ok"], folds=3), 1)
    assert chosen["fold"].tolist() == [0, 0]


def test_slides_without_labels_are_a_class_of_their_own():
    cohort, predictions = tables([None, None], ["ok", "ok"])
    assert slides_to_show(cohort, predictions, 1)["slide_id"].tolist() == ["s0"]


def test_the_picture_says_label_prediction_and_probability():
    row = {"label": "a", "prediction": "b", "prob_a": 0.1, "prob_b": 0.9}
    said = "predicted b, probability 0.90"
    assert prediction_words(pd.Series(row)) == f"Label a; {said}: wrong"
    assert prediction_words(pd.Series({**row, "label": "b"})) == f"Label b; {said}: right"
    unlabelled = pd.Series({**row, "label": float("nan")})
    assert prediction_words(unlabelled) == said.capitalize()
