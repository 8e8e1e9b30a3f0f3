"""Packed questions get the answers they would get alone."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import random_bags
from helpers.tiny_answerer import asked, one_pack, prompts, question, tiny_answerer
from slidesieve.bags import collate
from slidesieve.vqa.packing import Root, Segment, pack

QUESTIONS = (
    question(0),
    question(1, "How large is it?", ("large", "small"), "A"),
    question(2, "Is it solid, and if so, how large?", ("small", "large", "solid", "acinar"), "D"),
)
BEFORE = prompts().prompt(QUESTIONS[0]).before


def alone(answerer, bag, segments):
    return answerer.model(collate([bag]), BEFORE, [segments]).log_probability


@torch.no_grad()
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("positions", ["compact", "original"])
def test_questions_behind_one_image_are_answered_as_if_alone(attention, positions):
    reducer = {"name": "sparselearn", "k": 5}
    answerer = tiny_answerer(reducer, positions=positions, attention=attention)
    [bag] = random_bags([12])
    packs = asked(*QUESTIONS)
    together = alone(answerer, bag, one_pack(packs))
    apart = torch.cat([alone(answerer, bag, segments) for segments in packs])
    assert together.shape == (9,)
    assert torch.allclose(together, apart, atol=1e-5, rtol=0)


@torch.no_grad()
def test_padding_and_company_change_no_answer():
    answerer = tiny_answerer({"name": "sparselearn", "k": 5})
    bags = random_bags([12, 3, 30])
    packs = asked(*QUESTIONS)
    packs[0] = one_pack(packs[:2])
    company = answerer.model(collate(bags), BEFORE, packs).log_probability
    apart = [alone(answerer, bag, segments) for bag, segments in zip(bags, packs, strict=True)]
    assert torch.allclose(company, torch.cat(apart), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_pack_gives_what_the_language_model_gives_without_our_mask():
    answerer = tiny_answerer("none")
    model, tokens = answerer.model, collate(random_bags([6]))
    stem, answer = asked(QUESTIONS[0])[0][:2]
    embed = model.language.get_input_embeddings()
    text = [embed(torch.tensor([ids])) for ids in (BEFORE, stem.ids, answer.ids)]
    image = model.connector(tokens).embeddings
    logits = model.language(inputs_embeds=torch.cat([text[0], image, *text[1:]], dim=1)).logits
    predicted = logits[0, -len(answer.ids) - 1 : -1].log_softmax(dim=-1)
    expected = predicted[range(len(answer.ids)), list(answer.ids)].sum()
    found = model(tokens, BEFORE, [[stem, answer]]).log_probability
    assert torch.allclose(found, expected, atol=1e-5)


def test_a_segment_sees_what_it_continues_and_stands_where_it_would_alone():
    root = Root(before=(7,), places=torch.tensor([1, 4]), span=6)
    segments = [Segment((11, 12)), Segment((21, 22), 0, scored=True), Segment((31,))]
    batch = pack([root], [segments])
    #                    before  image  question  answer  other question
    assert batch.ids[0].tolist() == [7, 0, 0, 11, 12, 21, 31]
    assert batch.positions[0].tolist() == [0, 2, 5, 7, 8, 9, 7]
    assert batch.mask[0, 0, 5].tolist() == [True] * 6 + [False]
    assert batch.mask[0, 0, 6].tolist() == [True] * 3 + [False] * 3 + [True]
    assert batch.target.tolist() == [21, 22]
    assert batch.predictor.tolist() == [4, 5]


def test_a_padded_row_sees_itself_alone():
    root = Root((7,), torch.zeros(0, dtype=torch.int64), 0)
    batch = pack([root, root], [[Segment((1, 2, 3))], [Segment((1,))]])
    assert batch.mask[1, 0, 3].tolist() == [False, False, False, True]
