"""Each defect of a question is found, by the name of its check and its row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slidesieve.store.tables import read_csv, write_csv
from slidesieve.vqa.cases import slide_index
from slidesieve.vqa.checks import Source, check_questions
from slidesieve.vqa.findings import CHECKS, DROPPED, SET_ASIDE, Tally, findings_table
from slidesieve.vqa.raw import RawQuestion

SOUND = RawQuestion(
    row=2,
    original_id="1",
    question="Which side?",
    answer="A",
    slide="S1",
    options=("left", "right", "", ""),
)


def checked(*raws, slides=None, policy="first"):
    """The sound questions, and (check, row) of each finding."""
    found = []
    source = Source("bench", "test", slides, policy)
    placed = check_questions(raws, source, lambda check, row: found.append((check, row)))
    return [item.question for item in placed], found


def test_a_sound_question_raises_no_finding():
    (question,), found = checked(SOUND)
    assert found == []
    assert (question.question_id, question.split) == ("bench:1", "test")
    assert (question.case_id, question.slide_ids) == ("S1", ("S1",))
    assert (question.options, question.answer_text) == (("left", "right"), "left")


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"question": " Which side?"}, "outer_blanks"),
        ({"options": ("left", "right ")}, "outer_blanks"),
        ({"slide": "/x/S1.h5"}, "slide_is_a_path"),
        ({"original_id": ""}, "missing_id"),
        ({"question": "Look.\r\nWhich side?"}, "carriage_returns"),
        ({"options": ("left", "", "right")}, "option_gap"),
        ({"answer": "Left.", "answer_form": "text"}, "answer_spelt_otherwise"),
        ({"answer": "the correct option is a", "answer_form": "text"}, "answer_in_words"),
        ({"slide": ""}, "missing_slide"),
        ({"question": " "}, "empty_question"),
        ({"answer": ""}, "empty_answer"),
        ({"options": ("left",)}, "too_few_options"),
        ({"answer": "C"}, "letter_without_option"),
        ({"answer": "up", "answer_form": "text"}, "answer_not_among_options"),
        ({"options": ("left", "Left ", "right")}, "ambiguous_answer"),
        ({"options": ("left", "right", "right")}, "doubled_options"),
        ({"question": "Is it non?neoplastic?"}, "damaged_characters"),
        ({"question": "Is it 2 \ufffdm?"}, "damaged_characters"),
        ({"question": "Is it 2 Âµm?"}, "damaged_characters"),
        ({"question": "Is it 2 µm?"}, "beyond_ascii"),
        ({"options": ("left", "None")}, "missing_value_words"),
        ({"model_output": "B. right"}, "model_output"),
        ({"model_output": "A. left"}, "model_output_right"),
    ],
)
def test_each_defect_is_found(changes, check):
    questions, found = checked(replace(SOUND, **changes))
    assert (check, 2) in found
    assert (questions == []) == (CHECKS[check][0] == SET_ASIDE)


def test_a_question_mark_between_words_is_no_damage():
    _, found = checked(replace(SOUND, question="Is it left? Or right?"))
    assert found == []


def test_letters_move_up_with_their_options():
    gap = ("left", "", "right", "")
    (question,), _ = checked(replace(SOUND, options=gap, answer="C"))
    assert (question.options, question.answer, question.answer_text) == (
        ("left", "right"),
        "B",
        "right",
    )
    none, found = checked(replace(SOUND, options=gap, answer="B"))
    assert none == []
    assert ("letter_without_option", 2) in found


def test_the_second_row_of_one_id_is_set_aside():
    questions, found = checked(SOUND, replace(SOUND, row=3, question="Other?"))
    assert [q.question for q in questions] == ["Which side?"]
    assert found == [("duplicate_id", 3)]


def test_the_same_question_twice_is_told_and_so_is_another_answer():
    again = replace(SOUND, row=3, original_id="2", question="which  side?")
    other = replace(SOUND, row=4, original_id="3", answer="B")
    elsewhere = replace(SOUND, row=5, original_id="4", slide="S2")
    _, found = checked(SOUND, again, other, elsewhere)
    assert found == [
        ("repeated_question", 3),
        ("repeated_question", 4),
        ("contradicting_answers", 4),
    ]


SLIDES = slide_index([("S1", "P1"), ("S2", "P1"), ("S3", "P2")])


def test_slides_that_the_dataset_lacks_are_set_aside():
    questions, found = checked(
        SOUND, replace(SOUND, row=3, original_id="2", slide="S9"), slides=SLIDES
    )
    assert [q.case_id for q in questions] == ["P1"]
    assert found == [("unknown_slide", 3)]


@pytest.mark.parametrize(("policy", "slides"), [("first", ("S1",)), ("all", ("S1", "S2"))])
def test_a_question_about_a_case_gets_its_slides(policy, slides):
    asked = replace(SOUND, slide="", case="P1")
    (question,), found = checked(asked, slides=SLIDES, policy=policy)
    assert question.slide_ids == slides
    assert found == [("several_slides", 2)]


def test_an_open_question_keeps_its_answer():
    (question,), found = checked(replace(SOUND, options=(), answer="It is left."))
    assert (question.answer, question.answer_text, found) == ("", "It is left.", [])


def test_findings_name_every_check_of_every_source(tmp_path):
    tally = Tally()
    for row in (5, 3, 5):
        tally.add("bench", "outer_blanks", row)
    write_csv(tmp_path / "findings.csv", findings_table(tally, ["bench", "other"]))
    table = read_csv(tmp_path / "findings.csv")
    assert len(table) == 2 * len(CHECKS)
    row = table[(table["source"] == "bench") & (table["check"] == "outer_blanks")].iloc[0]
    assert (row["action"], row["count"], row["rows"]) == ("mended", 2, "3;5")
    assert set(table.loc[table["count"] == 0, "rows"]) == {""}
    assert {action for action, _ in CHECKS.values()} >= {SET_ASIDE, DROPPED}
