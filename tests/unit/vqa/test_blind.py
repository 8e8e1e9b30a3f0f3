"""Rules that see no image, and donors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from helpers.vqa_questions import closed
from slidesieve.errors import ContractError
from slidesieve.vqa.blind import best_letter, donor_slides, longest_option, majority_answer


def test_the_best_letter_is_the_one_that_is_right_most_often():
    questions = [closed(1, "B"), closed(2, "B"), closed(3, "A")]
    assert best_letter(questions) == ["B", "B", "B"]


def test_the_longest_option_is_the_first_of_equals():
    assert longest_option([closed(1, "A", ("ab", "abc", "xyz")), closed(2)]) == ["B", "B"]


def test_the_majority_answer_is_a_text_of_the_category_wherever_it_stands():
    questions = [
        closed(1, "A", ("low", "high"), category="Grade"),
        closed(2, "B", ("high", "low"), category="Grade"),
        closed(3, "A", ("high", "low"), category="Grade"),
        closed(4, "A", ("high", "mid"), category="Grade"),
        closed(5, "B", ("no", "yes"), category="Pen"),
    ]
    # "low" and "high" are right twice: the first by alphabet; question 5 is its own category.
    assert majority_answer(questions) == ["B", "A", "A", "A", "B"]
    assert majority_answer([*questions, replace(questions[0], question_id="x")])[3] == ""


def cohort(n_cases, source="bench"):
    return [
        closed(
            f"{case}-{turn}", case=f"P{case}", source=source, question_id=f"{source}:{case}-{turn}"
        )
        for case in range(n_cases)
        for turn in range(3)
    ]


@pytest.mark.parametrize("n_cases", [2, 3, 50])
@pytest.mark.parametrize("seed", range(5))
def test_a_donor_is_never_the_same_patient(n_cases, seed):
    questions = cohort(n_cases)
    donors = donor_slides(questions, seed)
    for question in questions:
        assert donors[question.question_id] != question.slide_ids
        assert donors[question.question_id] in {q.slide_ids for q in questions}


def test_all_questions_of_a_case_have_one_donor_and_every_case_is_one():
    questions = cohort(20)
    donors = donor_slides(questions, seed=0)
    of_case = {}
    for question in questions:
        of_case.setdefault(question.case_id, set()).add(donors[question.question_id])
    assert all(len(slides) == 1 for slides in of_case.values())
    assert len(set.union(*of_case.values())) == 20


def test_a_second_slide_of_the_patient_is_no_donor():
    questions = cohort(2)
    questions.append(replace(questions[0], question_id="bench:more", slide_ids=("SP0-second",)))
    donors = donor_slides(questions, seed=0)
    assert donors["bench:more"] == donors["bench:0-0"] == ("SP1",)


def test_donors_depend_on_the_seed_and_not_on_the_order():
    questions = cohort(20)
    assert donor_slides(questions, 0) == donor_slides(questions[::-1], 0)
    assert donor_slides(questions, 0) != donor_slides(questions, 1)


def test_donors_are_of_the_same_source_and_part():
    questions = [*cohort(5), *cohort(5, "other")]
    parts = [q.source for q in questions]
    slides = {q.slide_ids for q in cohort(5)}
    changed = [
        replace(q, slide_ids=(f"{q.slide_ids[0]}-other",)) if part == "other" else q
        for q, part in zip(questions, parts, strict=True)
    ]
    donors = donor_slides(changed, 0)
    assert all((donors[q.question_id] in slides) == (q.source == "bench") for q in changed)


def test_one_case_alone_has_no_donor():
    with pytest.raises(ContractError, match="bench: the test part has questions about P0 alone"):
        donor_slides(cohort(1), 0)
