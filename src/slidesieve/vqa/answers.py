"""Which option an answer means, whichever way a file writes it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from slidesieve.vqa.raw import AnswerForm
from slidesieve.vqa.table import LETTERS

_IN_WORDS = re.compile(r"correct (?:option|answer|choice) is\s*:?\s*\(?([a-z])\b", re.IGNORECASE)


@dataclass(frozen=True)
class Meant:
    """The option that an answer means.

    Attributes:
        place: Its place among the options, from 0; None if none can be told.
        check: Name of the check that found something about it; "" if all is well.
    """

    place: int | None
    check: str = ""


def comparable(text: str) -> str:
    """Return a text without what does not distinguish options: case, blanks, a full stop."""
    return " ".join(text.casefold().split()).rstrip(".").rstrip()


def option_meant(answer: str, options: Sequence[str], form: AnswerForm) -> Meant:
    """Find the option that an answer means.

    Args:
        answer: As it stands in the file, without outer blanks.
        options: Texts by letter; "" for a letter without an option.
        form: How the file gives answers. What is no letter or number is looked for as a text.
    """
    letter = answer.rstrip(".").upper()
    if form == "letter" and len(letter) == 1 and letter in LETTERS:
        return _unless_doubled(LETTERS.index(letter), options, "letter_without_option")
    if form == "number" and answer.isdecimal():
        return _unless_doubled(int(answer) - 1, options, "answer_not_among_options")
    return _by_text(answer, options)


def _by_text(answer: str, options: Sequence[str]) -> Meant:
    if answer in options:
        return _unless_doubled(options.index(answer), options, "")
    alike = [place for place, option in enumerate(options) if same(option, answer)]
    if alike:
        found = _unless_doubled(alike[0], options, "")
        return Meant(found.place, found.check or "answer_spelt_otherwise")
    if stated := _IN_WORDS.search(answer):
        found = _unless_doubled(
            LETTERS.index(stated[1].upper()), options, "answer_not_among_options"
        )
        return Meant(found.place, found.check or "answer_in_words")
    return Meant(None, "answer_not_among_options")


def _unless_doubled(place: int, options: Sequence[str], otherwise: str) -> Meant:
    """The option at a place, unless there is none or another one says the same."""
    if not 0 <= place < len(options) or not options[place]:
        return Meant(None, otherwise)
    twice = sum(same(option, options[place]) for option in options) > 1
    return Meant(None, "ambiguous_answer") if twice else Meant(place)


def same(a: str, b: str) -> bool:
    """Whether two texts say the same to a reader."""
    return comparable(a) == comparable(b)
