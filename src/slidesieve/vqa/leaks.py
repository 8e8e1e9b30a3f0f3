"""Leaks between parts: the same case in training and in a test, whichever file it comes from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from slidesieve.vqa.table import CAPTION, Question


@dataclass(frozen=True)
class SharedCases:
    """Cases that two sources share across parts.

    Attributes:
        source, part: The one, and its part.
        other, other_part: The other.
        cases: The cases, sorted.
        questions, other_questions: How many questions each has about them.
    """

    source: str
    part: str
    other: str
    other_part: str
    cases: tuple[str, ...]
    questions: int
    other_questions: int


def cases_of(questions: Iterable[Question], *parts: str) -> frozenset[str]:
    """Return the cases that some parts have."""
    return frozenset(question.case_id for question in questions if question.split in parts)


def shared_cases(questions: Sequence[Question]) -> list[SharedCases]:
    """Return every pair of a source's part and another part, of any source, that share cases.

    Parts are compared with later ones: training with validation and test, validation with test.
    """
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for question in questions:
        counts[question.split, question.source][question.case_id] += 1
    found = []
    for part, later in (("train", "val"), ("train", "test"), ("val", "test")):
        for (split, source), ours in counts.items():
            for (other_split, other), theirs in counts.items():
                if (split, other_split) != (part, later):
                    continue
                if cases := sorted(ours.keys() & theirs.keys()):
                    totals = (sum(side[case] for case in cases) for side in (ours, theirs))
                    found.append(SharedCases(source, part, other, later, tuple(cases), *totals))
    return found


def told_by_captions(questions: Sequence[Question]) -> Iterator[Question]:
    """Yield the closed questions out of training whose answer a training caption gives away.

    That is so if a caption of the case has the right option word for word, and no other option.
    """
    captions: dict[str, list[str]] = defaultdict(list)
    for question in questions:
        if question.category == CAPTION and question.split == "train":
            captions[question.case_id].append(question.answer_text.casefold())
    for question in questions:
        if question.is_closed and question.split != "train":
            found = any(_tells(caption, question) for caption in captions[question.case_id])
            if found:
                yield question


def _tells(caption: str, question: Question) -> bool:
    said = [
        letter
        for letter, option in zip(question.letters, question.options, strict=True)
        if _stands_in(option.casefold(), caption)
    ]
    return said == [question.answer]


def _stands_in(option: str, caption: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(option)}(?!\w)", caption) is not None
