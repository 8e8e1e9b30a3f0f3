"""Three ways to read an answer: letters, texts of options, and what the model writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from slidesieve.vqa.connector import Prefix
from slidesieve.vqa.language import causal_model
from slidesieve.vqa.model import SlideAnswerer
from slidesieve.vqa.packing import Segment
from slidesieve.vqa.prompt import Prompt, PromptMaker
from slidesieve.vqa.table import LETTERS

LETTER, OPTION, TEXT = "letter", "option", "text"


@dataclass(frozen=True)
class Answer:
    """What a model answers to one question.

    Attributes:
        choice: Place of the chosen option in the question; None if it chose none.
        probabilities: Of each option, in the order of the question; empty for written answers.
        output: What it wrote, or the text of the chosen option.
    """

    choice: int | None
    probabilities: tuple[float, ...]
    output: str


def choose(
    model: SlideAnswerer,
    prefix: Prefix | None,
    prompts: Sequence[Prompt],
    maker: PromptMaker,
    method: str,
) -> list[Answer]:
    """Answer closed questions about one case in a single pass, by letters or by options' texts.

    Only options that the question has take part. Of letters the probability is softmax of the next
    token restricted to them; of texts it is softmax of the mean log-probability per token, so that
    a long option is not at a disadvantage.

    Args:
        model: The model.
        prefix: Image tokens of the case, or None for none.
        prompts: Of the questions.
        maker: That made them.
        method: "letter" or "option".
    """
    segments: list[Segment] = []
    for prompt in prompts:
        parent = len(segments)
        segments.append(Segment(prompt.stem))
        segments += [
            Segment(ids, parent, scored=True) for ids in _candidates(prompt, maker, method)
        ]
    scores = model.answer(prefix, prompts[0].before, [segments]).mean
    of_question = scores.split([len(prompt.options) for prompt in prompts])
    return [
        _chosen(prompt, found.double().softmax(dim=0))
        for prompt, found in zip(prompts, of_question, strict=True)
    ]


def _candidates(prompt: Prompt, maker: PromptMaker, method: str) -> list[tuple[int, ...]]:
    if method == LETTER:
        return [(letter,) for letter in maker.letter_ids(len(prompt.options))]
    return [maker.written(option) for option in prompt.options]


def _chosen(prompt: Prompt, shown: Tensor) -> Answer:
    probabilities = [0.0] * len(prompt.order)
    for place, probability in zip(prompt.order, shown.tolist(), strict=True):
        probabilities[place] = probability
    choice = prompt.order[int(shown.argmax())]
    return Answer(choice, tuple(probabilities), prompt.question.options[choice])


def write(
    model: SlideAnswerer,
    prefix: Prefix | None,
    prompts: Sequence[Prompt],
    maker: PromptMaker,
    new_tokens: int,
) -> list[Answer]:
    """Let a model write its answers, always with the likeliest token, and read them.

    Args:
        model: The model.
        prefix: Image tokens of the case, or None for none.
        prompts: Of the questions.
        maker: That made them.
        new_tokens: Most tokens of an answer.
    """
    answers = []
    for prompt in prompts:
        text = maker.text(generate(model, prefix, prompt, new_tokens, maker.end))
        place = parse_answer(text, prompt.options)
        answers.append(Answer(None if place is None else prompt.order[place], (), text))
    return answers


def generate(
    model: SlideAnswerer, prefix: Prefix | None, prompt: Prompt, new_tokens: int, end: int
) -> list[int]:
    """Return the ids that a model writes behind a prompt, greedily.

    Positions may have gaps among the image tokens; those of the text go on behind the image.
    """
    image = prefix.embeddings[0][prefix.mask[0]] if prefix else None
    n_image = 0 if image is None else len(image)
    before, stem = list(prompt.before), list(prompt.stem)
    ids = torch.tensor([[*before, *[0] * n_image, *stem]], device=model.device)
    is_image = torch.zeros_like(ids, dtype=torch.bool)
    is_image[:, len(before) : len(before) + n_image] = True
    places = prefix.places[0][prefix.mask[0]].tolist() if prefix else []
    text_start = len(before) + (int(prefix.spans[0]) if prefix else 0)
    positions = [
        *range(len(before)),
        *(len(before) + place for place in places),
        *range(text_start, text_start + len(stem)),
    ]
    causal = causal_model(model.language)
    found = causal.generate(
        inputs_embeds=model.embedded(ids, is_image, prefix),
        attention_mask=torch.ones_like(ids),
        position_ids=torch.tensor([positions], device=ids.device),
        max_new_tokens=new_tokens,
        do_sample=False,
        eos_token_id=end,
        pad_token_id=end,
    )
    return [int(token) for token in found[0]]


def parse_answer(text: str, options: Sequence[str]) -> int | None:
    """Read which option a written answer means; None if it does not say so clearly.

    The first rule that applies decides:

    1. the whole answer is the text of an option;
    2. it begins with a letter that has an option and is followed by ".", ")", ":", "," or nothing,
       as in "B. solid" or "(B)";
    3. it says "answer is B", "option B" or "correct choice: B";
    4. the text of one option, and of no other, occurs in it. An option that is part of a longer
       one which occurs, too, does not count.

    Args:
        text: What the model wrote.
        options: Texts of the options in the order of their letters.
    """
    if not options:
        return None
    letters = LETTERS[: len(options)]
    said, known = _plain(text), [_plain(option) for option in options]
    if known.count(said) == 1:
        return known.index(said)
    for pattern in (
        rf"^\W*([{letters}])(?:[.):,]|\W*$)",
        rf"(?i:\b(?:answer|option|choice))(?:\s+is)?[\s:(\"'*]*([{letters}])\b",
    ):
        if match := re.search(pattern, text.strip()):
            return letters.index(match[1])
    found = [i for i, option in enumerate(known) if re.search(rf"\b{re.escape(option)}\b", said)]
    longest = [i for i in found if not any(known[i] in known[j] for j in found if j != i)]
    return longest[0] if len(longest) == 1 else None


def _plain(text: str) -> str:
    """Text in small letters, with single blanks and without marks at its ends."""
    return " ".join(text.lower().split()).strip(" .,:;\"'")
