from __future__ import annotations

import csv
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slidesieve.errors import ContractError
from slidesieve.vqa.table import (
    COLUMNS,
    Question,
    questions_sha256,
    read_questions,
    write_questions,
)

CLOSED = Question(
    question_id="bench:1",
    source="bench",
    split="test",
    case_id="P1",
    slide_ids=("P1-a", "P1-b"),
    category="Colour",
    subcategory="Hue",
    question="Which colour has the slide?",
    options=("red", "blue", "none"),
    answer="B",
    answer_text="blue",
)
OPEN = replace(
    CLOSED, question_id="bench:2", slide_ids=(), options=(), answer="", answer_text="A red slide."
)
AWKWARD = replace(
    CLOSED,
    question_id="bench:3",
    question='Two lines,\n"quotes" and µ?',
    options=("NA", "None", "nan", "a, b"),
    answer="A",
    answer_text="NA",
)
MANY = replace(
    CLOSED,
    question_id="bench:4",
    options=tuple(f"organ {i}" for i in range(30)),
    answer="d",
    answer_text="organ 29",
)


def test_questions_come_back_as_they_were_written(tmp_path):
    path = tmp_path / "questions.csv"
    questions = [CLOSED, OPEN, AWKWARD, MANY]
    write_questions(path, questions)
    assert read_questions(path) == questions


def test_the_file_is_plain_utf8_with_lf_and_the_columns_of_the_contract(tmp_path):
    path = tmp_path / "questions.csv"
    write_questions(path, [CLOSED, AWKWARD])
    content = path.read_bytes()
    assert not content.startswith(b"\xef\xbb\xbf")
    assert b"\r" not in content
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert tuple(table.columns) == COLUMNS
    assert table.loc[1, "option_a"] == "NA"
    assert table.loc[0, "option_d"] == ""
    assert table.loc[0, "slide_ids"] == "P1-a;P1-b"


def test_more_than_four_options_stand_in_a_column_of_their_own(tmp_path):
    path = tmp_path / "questions.csv"
    write_questions(path, [CLOSED, MANY])
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert tuple(table.columns) == (*COLUMNS, "options")
    assert table.loc[0, "options"] == ""
    assert table.loc[1, "option_d"] == "organ 3"
    assert MANY.letters == "ABCDEFGHIJKLMNOPQRSTUVWXYZabcd"
    assert MANY.answer_index == 29


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"split": "dev"}, "split 'dev'"),
        ({"case_id": ""}, "case_id is empty"),
        ({"question": ""}, "question is empty"),
        ({"answer": "D"}, "answer 'D' has no option"),
        ({"answer": "AB"}, "answer 'AB' has no option"),
        ({"answer": ""}, "answer '' has no option"),
        ({"answer_text": "red"}, "is not the text of option B"),
        ({"options": ("red", "", "blue")}, "option B is empty"),
        ({"options": ("red",)}, r"has 1 option\(s\)"),
        ({"question": "Which\rcolour?"}, "holds a carriage return"),
    ],
)
def test_a_question_whose_parts_do_not_fit_is_refused_by_name(changes, said):
    with pytest.raises(ContractError, match=f"bench:1.*{said}"):
        replace(CLOSED, **changes)


def test_all_broken_rows_are_told_at_once_by_number(tmp_path):
    path = tmp_path / "questions.csv"
    write_questions(path, [CLOSED, AWKWARD, OPEN])
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0]["answer"], rows[2]["split"] = "D", "dev"
    rows[1]["question_id"] = "bench:9"
    rows += [rows[1]]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    with pytest.raises(ContractError) as refused:
        read_questions(path)
    first, second, third = str(refused.value).splitlines()
    assert "row 2" in first
    assert "row 4" in second
    assert "'bench:9' stands in 2 rows" in third


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "questions.csv"
    path.write_text("question_id,question\n1,a\n")
    with pytest.raises(ContractError, match="column source, split, case_id"):
        read_questions(path)


def test_questions_of_one_id_are_not_written(tmp_path):
    with pytest.raises(ContractError, match="stands in 2 rows"):
        write_questions(tmp_path / "questions.csv", [CLOSED, CLOSED])
    assert not (tmp_path / "questions.csv").exists()


def test_the_hash_of_questions_is_that_of_their_content():
    assert questions_sha256([CLOSED, OPEN]) == questions_sha256([replace(CLOSED), OPEN])
    assert questions_sha256([CLOSED, OPEN]) != questions_sha256([OPEN, CLOSED])
    assert questions_sha256([CLOSED]) != questions_sha256([replace(CLOSED, category="Hue")])


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1)


@settings(max_examples=60)
@given(TEXT, st.lists(TEXT, min_size=2, max_size=7))
def test_any_text_comes_back_as_it_was_written(tmp_path_factory, text, options):
    path = tmp_path_factory.mktemp("any") / "questions.csv"
    question = replace(
        CLOSED, question=text, options=tuple(options), answer="A", answer_text=options[0]
    )
    write_questions(path, [question])
    assert read_questions(path) == [question]
