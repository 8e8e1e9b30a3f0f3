"""Questions as a source file has them, before anything is mended or checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AnswerForm = Literal["letter", "number", "text"]


@dataclass(frozen=True, kw_only=True)
class RawQuestion:
    """One question of a source file, its cells as they stand there.

    Attributes:
        row: Row of a table (its header is row 1), or record of a JSON file, from 1.
        original_id: Its id in the file, or one made of its place there.
        question: Text of the question.
        answer: The answer.
        slide: Slide that the question names, perhaps as a path; "" if it names none.
        case: Case that the question names; "" if its slide tells the case.
        category: Broad category or task.
        subcategory: Narrow category.
        options: Texts of the options in the order of their letters; "" for a letter without one.
        answer_form: What `answer` is for a closed question: letter of an option, its number from 1,
            or its text.
        split: Part that the file itself puts it in; "" where the config says so.
        model_output: Answer of some model that the file has beside the truth.
    """

    row: int
    original_id: str
    question: str
    answer: str
    slide: str = ""
    case: str = ""
    category: str = ""
    subcategory: str = ""
    options: tuple[str, ...] = ()
    answer_form: AnswerForm = "letter"
    split: str = ""
    model_output: str = ""
