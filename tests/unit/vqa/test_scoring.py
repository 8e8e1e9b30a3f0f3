"""How answers are read off a model."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import random_bags
from helpers.tiny_answerer import prompts, question, tiny_answerer
from slidesieve.bags import collate
from slidesieve.vqa.scoring import choose, generate, parse_answer, write

SHUFFLED = (2, 0, 1)


@pytest.fixture(scope="module")
def answerer():
    return tiny_answerer({"name": "sparselearn", "k": 5}, positions="original")


@pytest.fixture(scope="module")
def prefix(answerer):
    with torch.no_grad():
        return answerer.model.connector(collate(random_bags([12])))


@torch.no_grad()
@pytest.mark.parametrize("method", ["letter", "option"])
def test_probabilities_are_those_of_the_questions_own_options(answerer, prefix, method):
    maker = prompts()
    pair = [maker.prompt(question()), maker.prompt(question(1, options=("a", "b"), answer="A"))]
    three, two = choose(answerer.model, prefix, pair, maker, method)
    assert (len(three.probabilities), len(two.probabilities)) == (3, 2)
    assert sum(two.probabilities) == pytest.approx(1)
    assert three.choice == max(range(3), key=three.probabilities.__getitem__)
    assert three.output == question().options[three.choice]


@torch.no_grad()
def test_letters_are_read_off_the_token_after_the_question(answerer, prefix):
    maker = prompts("letter")
    prompt = maker.prompt(question())
    [answer] = choose(answerer.model, prefix, [prompt], maker, "letter")
    embed = answerer.model.language.get_input_embeddings()
    text = [embed(torch.tensor([ids])) for ids in (prompt.before, prompt.stem)]
    spread = torch.cat([text[0], prefix.embeddings, text[1]], dim=1)
    n, m = len(prompt.before), len(prompt.stem)
    places = [*range(n), *(n + prefix.places[0]).tolist(), *range(n + 12, n + 12 + m)]
    logits = answerer.model.language(
        inputs_embeds=spread, position_ids=torch.tensor([places])
    ).logits[0, -1]
    expected = logits[list(maker.letter_ids(3))].softmax(dim=0)
    assert torch.allclose(torch.tensor(answer.probabilities), expected, atol=1e-5)


@torch.no_grad()
def test_a_shuffled_question_gives_probabilities_in_its_own_order(answerer, prefix):
    maker = prompts()
    [own] = choose(answerer.model, prefix, [maker.prompt(question())], maker, "option")
    [other] = choose(answerer.model, prefix, [maker.prompt(question(), SHUFFLED)], maker, "option")
    texts = dict(zip(question().options, own.probabilities, strict=True))
    # The model reads another question, but an option keeps its name.
    assert other.output == question().options[other.choice]
    assert set(texts) == set(question().options)
    assert other.probabilities != own.probabilities


@torch.no_grad()
@pytest.mark.parametrize("n_image", [0, 12])
def test_generation_over_gaps_equals_a_plain_greedy_loop(answerer, prefix, n_image):
    maker, model = prompts(), answerer.model
    prompt, seen = maker.prompt(question()), prefix if n_image else None
    found = generate(model, seen, prompt, 6, maker.end)
    embed = model.language.get_input_embeddings()
    n, written = len(prompt.before), []
    image = prefix.embeddings if n_image else torch.zeros(1, 0, 32)
    gaps = (n + prefix.places[0]).tolist() if n_image else []
    for _ in range(6):
        ids = [*prompt.stem, *written]
        text = [embed(torch.tensor([part])) for part in (prompt.before, ids)]
        places = [*range(n), *gaps, *range(n + n_image, n + n_image + len(ids))]
        logits = model.language(
            inputs_embeds=torch.cat([text[0], image, text[1]], dim=1),
            position_ids=torch.tensor([places]),
        ).logits
        written.append(int(logits[0, -1].argmax()))
        if written[-1] == maker.end:
            break
    assert found == written


@torch.no_grad()
def test_what_is_written_is_kept_as_it_is(answerer, prefix):
    maker = prompts()
    [answer] = write(answerer.model, prefix, [maker.prompt(question())], maker, 4)
    assert answer.probabilities == ()
    assert answer.output == maker.text(
        generate(answerer.model, prefix, maker.prompt(question()), 4, maker.end)
    )


OPTIONS = ("Adenocarcinoma", "Squamous cell carcinoma", "Carcinoma", "None")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("carcinoma", 2),
        ("Squamous cell carcinoma.", 1),
        ("B", 1),
        ("(B)", 1),
        ("B. Squamous cell carcinoma", 1),
        ("D) whatever", 3),
        ("The correct answer is B.", 1),
        ("I would choose option C here", 2),
        ("This is a squamous cell  carcinoma of the lung.", 1),
        ("A squamous cell carcinoma", 1),
        ("Adenocarcinoma or squamous cell carcinoma", None),
        ("E. something else", None),
        ("To determine the diagnosis, more slides are needed", None),
        ("", None),
    ],
)
def test_written_answers_are_read_by_documented_rules(text, place):
    assert parse_answer(text, OPTIONS) == place
