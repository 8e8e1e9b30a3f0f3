"""The `vqa` section of a config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT
from slidesieve.vqa.question_settings import QuestionSource, repeated_names


def _named_apart(sources: list[QuestionSource]) -> list[QuestionSource]:
    if problems := list(repeated_names(sources)):
        raise ValueError("; ".join(problems))
    return sources


@dataclass(frozen=True, config=STRICT, kw_only=True)
class VqaSettings:
    """Slide question answering."""

    questions: Annotated[
        list[QuestionSource], Field(min_length=1), AfterValidator(_named_apart)
    ] = Field(description="Files of questions, each in the part that it is for.")
    leakage: Literal["drop", "fail"] = Field(
        default="drop",
        description="Training questions about cases that the validation or test part has, captions "
        "included: leave them out and count them, or stop.",
    )
    slides_per_case: Literal["first", "all"] = Field(
        default="first",
        description="Slides of a question that names a case and no slide: the case's first "
        "diagnostic slide, or all of its slides.",
    )
    compare_to: StrictStr | None = Field(
        default=None,
        description="Model of `vqa.models` that the others are compared with; null means the "
        "first.",
    )
