"""Pages of slide questions: every number is where it belongs, and the map shows where tiles lie."""

from __future__ import annotations

import re

import numpy as np
import pytest

from helpers.vqa_questions import answer, closed, task
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.vqa.answers_page import ShownAnswer, answers_page
from slidesieve.vqa.answers_table import read_answers, write_answers
from slidesieve.vqa.evaluation import comparisons_table, scores_table
from slidesieve.vqa.looked_at import telling_questions
from slidesieve.vqa.scores_page import scores_page
from slidesieve.vqa.tile_map import tile_map

QUESTIONS = task(40)
RIGHT_OF_PATH = {"own": 30, "blind_none": 20, "blind_donor": 18, "random": 24}


def cells_of(markup, first):
    """Text of the cells of the row that begins with a word."""
    row = next(line for line in markup.splitlines() if line.startswith(f"<tr><td>{first}</td>"))
    return [re.sub("<.*?>", "|", cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]


@pytest.fixture
def tables(tmp_path):
    rows = []
    for path, n_right in RIGHT_OF_PATH.items():
        for place, question in enumerate(QUESTIONS):
            wrong = next(letter for letter in question.letters if letter != question.answer)
            letter = question.answer if place < n_right else wrong
            rows.append(answer(question, letter, path=path))
    write_answers(tmp_path / "answers.csv", rows)
    answers = {("toy", "sieve"): read_answers(tmp_path / "answers.csv")}
    made = {}
    for name, make in (("scores", scores_table), ("comparisons", comparisons_table)):
        more = ("sieve",) if name == "comparisons" else ()
        table = make(answers, QUESTIONS, {"bench": ("abc", 40)}, *more, resamples=50, seed=0)
        write_csv(tmp_path / f"{name}.csv", table)
        made[name] = read_csv(tmp_path / f"{name}.csv")
    return made


def test_a_model_stands_beside_itself_without_its_slide_and_beside_the_rules(tables, tmp_path):
    scores_page(tables["scores"], tables["comparisons"], "Questions", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    own, blind, donor, random = (f"{n / len(QUESTIONS):.3f}" for n in RIGHT_OF_PATH.values())
    row = cells_of(page, "sieve")
    assert [cell.split("|")[0] for cell in row] == ["sieve", own, blind, donor, random]
    rules = set(tables["scores"].query("path == 'rule'")["model"])
    assert rules
    for rule in rules:
        assert f"<td>rule: {rule}</td>" in page
    assert "<td>With its slide and without</td><td>sieve</td><td>sieve, no image</td>" in page
    assert f"{(30 - 20) / len(QUESTIONS):+.3f}" in page


def test_the_surest_wrong_answers_come_first_and_few_of_one_slide(tmp_path):
    asked = [closed(i, "A", case=f"P{i // 4}") for i in range(40)]
    sure = np.linspace(0.99, 0.51, 40)
    rows = [
        answer(q, "AB"[i % 2], probabilities=(p, 1 - p) if i % 2 == 0 else (1 - p, p))
        for i, (q, p) in enumerate(zip(asked, sure, strict=True))
    ]
    chosen = telling_questions(rows, "option")
    wrong = [row.question_id for row in rows if not row.correct]
    assert chosen[: min(12, len(wrong))] == wrong[:12]
    assert chosen[12:] == [row.question_id for row in rows if row.correct][:8]
    same_slide = [answer(q, "B", probabilities=(0.1, 0.9), slide_ids=("S",)) for q in asked]
    assert len(telling_questions(same_slide, "option")) == 2
    assert telling_questions(rows, "letter") == []


def test_a_map_marks_the_tiles_looked_at_on_their_grid():
    coords = np.array([[1000, 500], [1512, 500], [1000, 1012], [2024, 1524]])
    svg = tile_map(coords, coords[[3]], pitch=512)
    grey, marked = re.findall(r'<path fill="#\w+" d="([^"]*)"/>', svg)
    assert re.findall(r"M(\d+) (\d+)", grey) == [("0", "0"), ("1", "0"), ("0", "1"), ("2", "2")]
    assert re.findall(r"M(\d+) (\d+)", marked) == [("2", "2")]
    assert 'viewBox="0 0 3 3"' in svg


def test_text_of_a_benchmark_cannot_break_the_page(tmp_path):
    question = closed(1, "A", options=("<b>bold</b>", "plain"), question="Is a < b?")
    shown = ShownAnswer(question, (0.2, 0.8), "B", (1000, 32), {"S1": "<svg></svg>"})
    answers_page([shown], "Answers", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "Is a &lt; b?" in page
    assert "<td>✓</td><td>A. &lt;b&gt;bold&lt;/b&gt;</td>" in page
    assert "<td><b>B. plain</b></td>" in page
    assert "Right, the surest first: none" in page
    assert "32 of 1,000 tokens shown" in page
