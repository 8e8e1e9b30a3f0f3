r"""SlideInstruct: conversations about a slide, one record per conversation.

A record has `id`, `image` (a list with a features file) and `conversations`, turns that alternate
between human and gpt. Each pair of turns becomes a question `<id>:<turn>`. The mark `<image>`,
which stands behind the question in some files, is taken out: prompts always begin with the image,
as xtuner's own reader has it. Options that stand as lines "A. …" under a question become options if
the answer names one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from slidesieve.errors import ConfigError
from slidesieve.vqa.converters.parsed import json_records
from slidesieve.vqa.raw import RawQuestion
from slidesieve.vqa.table import CAPTION, LETTERS

_IMAGE = "<image>"
_OPTION_LINE = re.compile(r"^\s*\(?([A-Z])[.):]\s*(.+?)\s*$")
_ANSWER = re.compile(r"^\s*\(?([A-Z])(?:[.):]|\s*$)")
_CLOSED, _OPEN = "closed", "open"


def read_slideinstruct(text: str) -> list[RawQuestion]:
    """Read conversations of questions and answers.

    Raises:
        ConfigError: The text is of another format.
    """
    return [
        _question(number, record, turn, asked, said)
        for number, record in json_records(text, ("id", "image", "conversations"))
        for turn, (asked, said) in enumerate(_turns(number, record))
    ]


def read_slideinstruct_captions(text: str) -> list[RawQuestion]:
    """Read conversations whose answers are captions of the slide.

    Raises:
        ConfigError: The text is of another format.
    """
    return [
        RawQuestion(
            row=number,
            original_id=f"{record['id']}:{turn}",
            question=asked,
            answer=said,
            slide=_slide(record),
            category=CAPTION,
        )
        for number, record in json_records(text, ("id", "image", "conversations"))
        for turn, (asked, said) in enumerate(_turns(number, record))
    ]


def _question(
    number: int, record: Mapping[str, Any], turn: int, asked: str, said: str
) -> RawQuestion:
    stem, options = _apart(asked)
    named = _ANSWER.match(said)
    closed = named is not None and LETTERS.index(named[1]) < len(options)
    return RawQuestion(
        row=number,
        original_id=f"{record['id']}:{turn}",
        question=stem if closed else asked,
        answer=named[1] if named and closed else said,
        slide=_slide(record),
        category=_CLOSED if closed else _OPEN,
        options=options if closed else (),
    )


def _turns(number: int, record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what is asked and what is answered.

    Raises:
        ConfigError: The turns do not alternate.
    """
    turns = record["conversations"]
    speakers = [turn.get("from") for turn in turns]
    if not turns or speakers != ["human", "gpt"] * (len(turns) // 2):
        raise ConfigError(
            [f"record {number}: turns must alternate between human and gpt, found {speakers}"]
        )
    for asked, said in zip(turns[::2], turns[1::2], strict=True):
        yield str(asked["value"]).replace(_IMAGE, "").strip("\n "), str(said["value"])


def _apart(asked: str) -> tuple[str, tuple[str, ...]]:
    """Return a question without the lines of its options, and the options."""
    lines = asked.split("\n")
    found = [_OPTION_LINE.match(line) for line in lines]
    first = next((i for i, match in enumerate(found) if match and match[1] == "A"), len(lines))
    options = [match[2] for match in found[first:] if match]
    letters = "".join(match[1] for match in found[first:] if match)
    if len(options) < 2 or len(options) < len(lines) - first or not LETTERS.startswith(letters):
        return asked, ()
    return "\n".join(lines[:first]).strip("\n "), tuple(options)


def _slide(record: Mapping[str, Any]) -> str:
    images = record["image"]
    return str(images[0] if isinstance(images, list) and images else images or "")
