"""Keys of a model. Parameters of its parts belong to their classes: see `model_checks`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StrictBool, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT
from slidesieve.training.settings import TrainingSettings


@dataclass(frozen=True, config=ConfigDict(extra="allow"))
class Part:
    """A reducer or an aggregator with parameters of its own."""

    name: StrictStr


NamedPart = Annotated[
    StrictStr | Part,
    Field(json_schema_extra={WORDS: "a name, or a mapping with `name` and parameters"}),
]


@dataclass(frozen=True, config=STRICT)
class ModelSpec:
    """One model: a token reducer followed by an aggregator. It is a row of every table."""

    like: StrictStr | None = Field(
        default=None,
        description="Another model that this one equals but for what it says itself. A part "
        "without a name changes the other model's part.",
    )
    reducer: NamedPart = Field(
        default="none",
        description="The reducer, which makes fewer tokens: a name, or name and parameters.",
    )
    aggregator: NamedPart | None = Field(
        default=None,
        description="The aggregator, which makes a prediction of tokens: a name, or name and "
        "parameters. Every model needs one, its own or that of `like`.",
    )
    standardise: StrictBool = Field(
        default=True,
        description="Scale features by mean and standard deviation of the training tokens.",
    )
    training: TrainingSettings | None = Field(
        default=None,
        description="Keys of the section `training` that this model has otherwise. Paper tables "
        "print them beside the recipe of all rows.",
    )
