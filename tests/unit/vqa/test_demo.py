"""Questions about painted slides: sound, balanced, split by patient, and true of the pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace

import cv2
import numpy as np
import pytest

from slidesieve.synthetic.painter.painting import paint
from slidesieve.vqa.blind import best_letter, longest_option
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.demo import ATTRIBUTES, demo_questions, demo_recipes, write_demo_questions
from slidesieve.vqa.gather import gather_questions
from slidesieve.vqa.question_settings import QuestionSource
from slidesieve.vqa.table import CAPTION


@pytest.fixture(scope="module")
def recipes():
    return demo_recipes()


@pytest.fixture(scope="module")
def questions(recipes):
    return demo_questions(recipes)


def test_equal_seeds_give_equal_questions_and_others_give_others(recipes, questions):
    assert demo_questions(demo_recipes()) == questions
    assert demo_questions(recipes, seed=1) != questions
    assert demo_recipes(seed=1) != recipes


def test_patients_are_in_one_part_each(questions):
    parts = defaultdict(set)
    for question in questions:
        parts[question.case_id].add(question.split)
    assert all(len(found) == 1 for found in parts.values())
    assert Counter(part for (part,) in parts.values()) == {"train": 126, "val": 18, "test": 36}


def test_every_attribute_is_asked_in_several_wordings_with_two_options_or_more(questions):
    of = defaultdict(list)
    for question in questions:
        if question.category != CAPTION:
            of[question.subcategory].append(question)
    assert of.keys() == ATTRIBUTES.keys()
    for name, attribute in ATTRIBUTES.items():
        assert {q.question for q in of[name]} == {*attribute.wordings}
        assert {len(q.options) for q in of[name]} == set(range(2, len(attribute.answers) + 1))
        common = Counter(q.answer_text for q in of[name])
        assert common.keys() == {*attribute.answers}
        assert max(common.values()) / len(of[name]) < 1 / len(attribute.answers) + 0.12, name


def test_letters_and_lengths_give_nothing_away(questions):
    closed = [q for q in questions if q.is_closed]
    guess = np.mean([1 / len(q.options) for q in closed])
    for rule in (best_letter, longest_option):
        right = np.mean([said == q.answer for said, q in zip(rule(closed), closed, strict=True)])
        assert right < guess + 0.08


def test_the_file_is_read_by_the_converter_without_a_finding(recipes, questions, tmp_path):
    write_demo_questions(tmp_path / "painted.csv", recipes)
    source = QuestionSource("table", str(tmp_path / "painted.csv"), name="painted")
    slides = slide_index([(r.slide_id, r.patient_id) for r in recipes])
    gathered = gather_questions([source], slides)
    assert [(q.split, q.case_id, q.slide_ids, q.options, q.answer_text) for q in questions] == [
        (q.split, q.case_id, q.slide_ids, q.options, q.answer_text) for q in gathered.questions
    ]
    assert gathered.record()["findings"]["painted"] == {}


def test_size_and_foci_are_those_of_the_picture(recipes):
    """Of a small slide with one focus and a large one with several."""
    chosen = {
        (ATTRIBUTES["size"].answer(recipe), ATTRIBUTES["foci"].answer(recipe)): recipe
        for recipe in recipes
    }
    few, many = (paint(chosen[key]).truth for key in (("small", "one"), ("large", "several")))
    assert [cv2.connectedComponents(truth)[0] - 1 for truth in (few, many)] == [1, 3]
    assert many.sum() > 2 * few.sum()


def test_dark_slides_have_darker_nuclei(recipes):
    """Small slides with the staining of the patients, four of each answer."""
    darkest = defaultdict(list)
    for recipe in recipes:
        plain = replace(recipe, label="benign", side_um=640, tissue_tiles=10, artefacts=())
        found = darkest[ATTRIBUTES["staining"].answer(recipe)]
        if len(found) < 4:
            grey = cv2.cvtColor(paint(plain).rgb, cv2.COLOR_RGB2GRAY)
            found.append(np.quantile(grey, 0.02))
    assert np.mean(darkest["dark"]) < np.mean(darkest["pale"])
