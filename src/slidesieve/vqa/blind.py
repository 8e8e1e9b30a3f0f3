"""Answers without the image: rules that know the questions alone, and slides of other patients.

A model is worth something only above these. Rules that count answers count those of the very
questions they are scored on, so they are upper bounds of what the file alone gives away.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from slidesieve.errors import ContractError
from slidesieve.vqa.table import Question

Letters = list[str]
"""A letter per question; "" where a rule names none."""


def best_letter(questions: Sequence[Question]) -> Letters:
    """Always the letter that is right most often; it may have no option."""
    return [_commonest(question.answer for question in questions)] * len(questions)


def longest_option(questions: Sequence[Question]) -> Letters:
    """The option with the longest text, the first of equals."""
    return [
        question.letters[question.options.index(max(question.options, key=len))]
        for question in questions
    ]


def majority_answer(questions: Sequence[Question]) -> Letters:
    """The text that is the answer most often in the question's category, if it is an option."""
    texts: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        texts[question.category].append(question.answer_text)
    majority = {category: _commonest(found) for category, found in texts.items()}
    return [_letter_of(question, majority[question.category]) for question in questions]


RULES: Mapping[str, Callable[[Sequence[Question]], Letters]] = {
    "best_letter": best_letter,
    "longest_option": longest_option,
    "majority_answer": majority_answer,
}
"""Rules by name; each is asked about the closed questions of one source and part."""

CHANCE = "chance"
"""Name of a guess among the options of each question; it is right once in as many as there are."""


def donor_slides(questions: Sequence[Question], seed: int) -> dict[str, tuple[str, ...]]:
    """Give every question the slides of another patient, drawn once for all of a case's questions.

    Cases of each source and part stand in a drawn circle, and each takes the slides of the next.

    Args:
        questions: Questions with slides.
        seed: Equal seeds and cases give equal donors, whatever the order of the questions.

    Returns:
        Slides by question_id.

    Raises:
        ContractError: A source has one case alone in a part, so that nobody can be its donor.
    """
    groups: dict[tuple[str, str], dict[str, tuple[str, ...]]] = defaultdict(dict)
    for question in sorted(questions, key=lambda q: q.question_id):
        groups[question.source, question.split].setdefault(question.case_id, question.slide_ids)
    donors = {
        (group, case): slides
        for group, slides_of in groups.items()
        for case, slides in _from_next(group, slides_of, seed).items()
    }
    return {
        question.question_id: donors[(question.source, question.split), question.case_id]
        for question in questions
    }


def _from_next(
    group: tuple[str, str], slides_of: Mapping[str, tuple[str, ...]], seed: int
) -> dict[str, tuple[str, ...]]:
    cases = sorted(slides_of)
    if len(cases) < 2:
        source, part = group
        raise ContractError(
            f"{source}: the {part} part has questions about {cases[0]} alone, so no other patient "
            "can lend a slide; a donor needs two cases"
        )
    circle = [cases[place] for place in np.random.default_rng(seed).permutation(len(cases))]
    return {case: slides_of[circle[(place + 1) % len(circle)]] for place, case in enumerate(circle)}


def _commonest(values: Iterable[str]) -> str:
    """The value that stands most often, the first in alphabetical order of equals."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value), default="")


def _letter_of(question: Question, text: str) -> str:
    if text not in question.options:
        return ""
    return question.letters[question.options.index(text)]
