"""WSI-VQA: records of Id (a case), Question, Answer (a text) and, for closed questions, Choice."""

from __future__ import annotations

from slidesieve.vqa.converters.parsed import json_records
from slidesieve.vqa.raw import RawQuestion

_CLOSED, _OPEN = "closed", "open"


def read_wsi_vqa(text: str) -> list[RawQuestion]:
    """Read a part of WSI-VQA; records have no id, so their number is one.

    Raises:
        ConfigError: The text is of another format.
    """
    return [
        RawQuestion(
            row=number,
            original_id=str(number),
            question=str(record["Question"]),
            answer=str(record["Answer"]),
            case=str(record["Id"]),
            category=_CLOSED if record.get("Choice") else _OPEN,
            options=tuple(map(str, record.get("Choice") or ())),
            answer_form="text",
        )
        for number, record in json_records(text, ("Id", "Question", "Answer"))
    ]
