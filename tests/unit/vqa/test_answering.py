"""The paths on which a trained model is asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from helpers.bag_factory import random_bags
from helpers.tiny_answerer import prompts, question, tiny_answerer
from slidesieve.bags import collate
from slidesieve.vqa.answering import Answering
from slidesieve.vqa.blind import donor_slides
from slidesieve.vqa.model_settings import ScoreSettings

QUESTIONS = [
    question(case, f"Question {n} about case {case}?", case_id=f"c{case}", slide_ids=(f"s{case}",))
    for case in range(3)
    for n in range(2)
]
QUESTIONS = [replace(q, question_id=f"toy:{n}") for n, q in enumerate(QUESTIONS)]
CAPTION = question(9, options=(), answer="", answer_text="solid", category="caption")
BAGS = {(bag.slide_id,): bag for bag in random_bags([60, 40, 50])}
DONORS = donor_slides(QUESTIONS, seed=0)


def answers(reducer, questions=QUESTIONS, bags=BAGS, **score):
    settings = ScoreSettings(**{"method": "option", **score})
    asked = Answering(
        tiny_answerer(reducer), bags.__getitem__, DONORS, prompts(), settings, questions_per_pack=2
    )
    return asked.rows(questions)


@pytest.fixture(scope="module")
def rows():
    return answers({"name": "sparselearn", "k": 5}, also=["letter"])


def of(rows, path, method="option"):
    return [row for row in rows if (row.path, row.method) == (path, method)]


def test_every_question_is_asked_on_every_path(rows):
    for path in ("own", "blind_none", "blind_donor", "random", "soft"):
        found = of(rows, path)
        assert [row.question_id for row in found] == [q.question_id for q in QUESTIONS]
    assert len(of(rows, "own", "letter")) == 6
    assert not of(rows, "random", "letter")


def test_a_row_says_what_was_shown(rows):
    first = {path: of(rows, path)[0] for path in ("own", "blind_none", "random", "soft")}
    assert (first["own"].tokens_in, first["own"].tokens_kept) == (60, 5)
    assert (first["soft"].tokens_in, first["soft"].tokens_kept) == (60, 60)
    assert first["random"].tokens_in == 60
    assert (first["blind_none"].slide_ids, first["blind_none"].tokens_kept) == ((), 0)
    for row in of(rows, "blind_donor"):
        assert row.slide_ids == DONORS[row.question_id] != (f"s{row.case_id[1:]}",)


def test_random_tokens_stand_in_for_the_choice():
    """32 of 60 tokens are drawn, and a model that keeps all of what it gets keeps those."""
    own, random = (of(answers("none"), path)[0] for path in ("own", "random"))
    assert (own.tokens_kept, random.tokens_kept) == (60, 32)


def test_an_answer_is_that_of_the_question_alone(rows):
    answerer = tiny_answerer({"name": "sparselearn", "k": 5})
    one = QUESTIONS[3]
    before, stem = (getattr(prompts().prompt(one), part) for part in ("before", "stem"))
    embed = answerer.model.language.get_input_embeddings()
    with torch.no_grad():
        image = answerer.model.connector(collate([BAGS[one.slide_ids]])).embeddings
        scores = []
        for option in one.options:
            ids = prompts().written(option)
            text = [embed(torch.tensor([part])) for part in (before, stem, ids)]
            logits = answerer.model.language(
                inputs_embeds=torch.cat([text[0], image, *text[1:]], dim=1)
            ).logits[0, -len(ids) - 1 : -1]
            scores.append(logits.log_softmax(dim=-1)[range(len(ids)), list(ids)].mean())
    expected = torch.stack(scores).softmax(dim=0)
    found = torch.tensor(of(rows, "own")[3].probabilities)
    assert torch.allclose(found, expected, atol=1e-4)


def test_a_model_without_a_soft_path_has_no_such_rows():
    assert not of(answers({"name": "uniform", "k": 5}), "soft")


def test_open_questions_are_answered_in_writing():
    bags = BAGS
    [row] = answers("none", [CAPTION], bags, new_tokens=3)
    assert (row.path, row.method, row.prediction, row.correct) == ("own", "text", "", False)


def test_two_runs_answer_alike(rows):
    assert answers({"name": "sparselearn", "k": 5}, also=["letter"]) == rows
