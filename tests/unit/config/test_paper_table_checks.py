"""Mistakes in the studies of a config are told by study, row and key."""

from __future__ import annotations

import copy

import pytest

from slidesieve.config.paper_table_checks import paper_table_problems

MODELS = {"abmil": {}, "dtc": {}}
SOUND = {
    "title": "A table",
    "reference": "abmil",
    "paper": {"source": "A paper", "columns": {"nsclc_auc": {"place": "Table 1, AUC"}}},
    "rows": {
        "abmil": {"label": "all", "columns": {"r": 1.0}, "paper": {"nsclc_auc": 0.9}},
        "dtc": {"label": "some", "columns": {"r": 0.4}},
    },
}


def problems_of(study: dict) -> list[str]:
    return list(paper_table_problems({"models": MODELS, "paper_tables": {"mine": study}}))


def changed(path: str, value: object) -> dict:
    study = copy.deepcopy(SOUND)
    *parents, key = path.split(".")
    place = study
    for parent in parents:
        place = place[parent]
    place[key] = value
    return study


def test_a_sound_study_has_no_problems():
    assert problems_of(SOUND) == []


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            "rows.dct",
            {"label": "x", "columns": {"r": 1}},
            "paper_tables.mine.rows: no model 'dct'; did",
        ),
        (
            "reference",
            "abmill",
            "paper_tables.mine.reference: no row 'abmill'; did you mean 'abmil'?",
        ),
        ("rows.dtc.columns", {}, "paper_tables.mine.rows.dtc.columns: r is missing"),
        ("rows.dtc.columns", {"r": 1, "n": 2}, "'n' is a column of its own"),
        ("rows.dtc.columns", {"r": 1, "paper_x": 2}, "'paper_x' is a column of its own"),
        ("rows.dtc.paper", {"nsclc_acc": 0.9}, "rows.dtc.paper: 'nsclc_acc' is not in paper.col"),
        ("rows.abmil.paper", {}, "paper_tables.mine.paper.columns: no row gives 'nsclc_auc'"),
    ],
)
def test_mistakes_name_study_row_and_key(path, value, words):
    assert any(words in problem for problem in problems_of(changed(path, value)))


@pytest.mark.parametrize("value", [None, 3, [], {"rows": None}, {"rows": {"abmil": 3}}])
def test_broken_shapes_are_left_to_the_schema(value):
    assert not [p for p in problems_of(value) if "no model" in p]
