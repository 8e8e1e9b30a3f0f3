"""The `vqa` section of a config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.vqa.model_settings import (
    AnswererSettings,
    AnswerSettings,
    LanguageSettings,
    ScoreSettings,
    StageSettings,
)
from slidesieve.vqa.question_settings import QuestionSource, repeated_names

Name = Annotated[
    StrictStr,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        json_schema_extra={
            WORDS: "a name fit for a file: letters, digits, '.', '_' and '-', no sign in front"
        },
    ),
]


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
    languages: dict[Name, LanguageSettings] = Field(
        default_factory=dict, description="Language models by name."
    )
    models: dict[Name, AnswererSettings] = Field(
        default_factory=dict,
        description="Models that answer questions, by name; each is a row in every table.",
    )
    stages: list[StageSettings] = Field(
        default_factory=list, description="Stages of training, one after another."
    )
    answer: AnswerSettings = Field(
        default_factory=AnswerSettings, description="What a model is trained to say."
    )
    score: ScoreSettings = Field(
        default_factory=ScoreSettings, description="How a model's answers are read."
    )
    positions: Literal["compact", "original"] = Field(
        default="compact",
        description="Positions of image tokens in the language model: one after another, or each "
        "where it stood among the case's tokens, as the paper of SparseLearn has it.",
    )

    def __post_init__(self) -> None:
        if self.models and not self.stages:
            raise ValueError("stages: models need at least one stage of training")
        trains_language = any("language" in stage.train for stage in self.stages)
        for name, model in self.models.items():
            if model.language not in self.languages:
                known = did_you_mean(model.language, self.languages)
                raise ValueError(f"models.{name}.language: no language {model.language!r}; {known}")
            if model.adapt == "frozen" and trains_language:
                raise ValueError(
                    f"models.{name}.adapt: frozen, but a stage trains the language; take lora or "
                    "full, or let all stages train the connector alone"
                )
