"""Settings of language models, of models that answer questions, and of their training."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StrictStr
from pydantic.dataclasses import dataclass

from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT, UNIQUE


@dataclass(frozen=True, config=STRICT)
class BuiltLanguage:
    """A small Qwen2 made from nothing, with a tokenizer of its own: for demos and tests."""

    layers: StrictInt = Field(default=3, ge=1, description="Transformer blocks.")
    width: StrictInt = Field(default=128, ge=8, description="Hidden width.")
    heads: StrictInt = Field(default=4, ge=1, description="Attention heads.")
    vocabulary: StrictInt = Field(
        default=1024, ge=300, description="Most tokens of the byte-level BPE tokenizer."
    )
    steps: StrictInt = Field(
        default=300,
        ge=0,
        description="Optimiser steps on the text of the training questions, without slides.",
    )
    batch: StrictInt = Field(default=16, ge=1, description="Texts per such step.")
    lr: StrictFloat = Field(default=2e-3, gt=0, description="AdamW's learning rate there.")
    seed: StrictInt = Field(default=0, ge=0, description="Of its weights and these steps.")


@dataclass(frozen=True, config=STRICT)
class LanguageSettings:
    """A causal language model: one that exists, by name or folder, or one that is built."""

    name: StrictStr | None = Field(
        default=None, description="Name on the Hugging Face Hub, or a folder of such a model."
    )
    revision: StrictStr | None = Field(
        default=None, description="Commit of the model on the Hub; pins its weights."
    )
    build: BuiltLanguage | None = Field(
        default=None, description="A small model made from nothing, in place of `name`."
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        default="float32", description="Precision of its weights."
    )
    attention: Literal["sdpa", "eager"] = Field(
        default="sdpa",
        description="Implementation of attention; both take the mask of packed questions.",
    )
    quantise: Literal["none", "nf4"] = Field(
        default="none", description="4-bit weights of bitsandbytes, which needs a GPU."
    )
    checkpointing: StrictBool = Field(
        default=False,
        description="Compute activations anew in the backward pass instead of keeping them: for "
        "thousands of image tokens on one GPU.",
    )
    template: Literal["chatml", "own"] = Field(
        default="chatml",
        description="Chat template: Qwen's without system text, as SlideChat trains, or the one "
        "that comes with the tokenizer.",
    )

    def __post_init__(self) -> None:
        if (self.name is None) == (self.build is None):
            raise ValueError("give either name or build")


@dataclass(frozen=True, config=STRICT)
class LoraSettings:
    """Low-rank adapters on all linear layers of a language model."""

    r: StrictInt = Field(default=16, ge=1, description="Rank.")
    alpha: StrictInt = Field(default=32, ge=1, description="Scale of the adapters times r.")
    dropout: StrictFloat = Field(default=0.05, ge=0, lt=1, description="Dropout before them.")


Reducer = Annotated[
    StrictStr | dict[StrictStr, Any],
    Field(json_schema_extra={WORDS: "a name, or a mapping with `name` and parameters"}),
]


@dataclass(frozen=True, config=STRICT)
class AnswererSettings:
    """A model that answers questions: reducer, projector, language model."""

    language: StrictStr = Field(description="One of `vqa.languages`.")
    reducer: Reducer = Field(
        default="none", description="The reducer: a name, or name and parameters."
    )
    standardise: StrictBool = Field(
        default=True,
        description="Scale features by mean and standard deviation of the training tokens.",
    )
    max_tokens: StrictInt = Field(
        default=10_240,
        ge=1,
        description="Most tokens of a case that the reducer sees; of more, every so many are "
        "taken, evenly in their order.",
    )
    adapt: Literal["full", "lora", "frozen"] = Field(
        default="lora",
        description="Which weights of the language model a stage that trains it may change.",
    )
    lora: LoraSettings = Field(default_factory=LoraSettings, description="Its adapters.")
    seed: StrictInt = Field(
        default=0, ge=0, description="Of new weights, order of questions and options, and noise."
    )


@dataclass(frozen=True, config=STRICT)
class StageSettings:
    """One stage of training."""

    train: Annotated[list[Literal["connector", "language"]], UNIQUE] = Field(
        min_length=1,
        json_schema_extra={"uniqueItems": True},
        description="Parts that learn; the connector is the reducer and the projector.",
    )
    # Not `on`, which YAML reads as true.
    questions: Literal["captions", "answers", "all"] = Field(
        default="answers", description="Captions, all other questions, or both."
    )
    epochs: StrictInt | None = Field(
        default=None, ge=1, description="Passes over the training questions."
    )
    steps: StrictInt | None = Field(
        default=None, ge=1, description="Optimiser steps, in place of `epochs`."
    )
    lr: StrictFloat = Field(default=2e-5, gt=0, description="AdamW's highest learning rate.")
    connector_lr: StrictFloat | None = Field(
        default=None, gt=0, description="That of the connector; null means `lr`."
    )
    warmup_share: StrictFloat = Field(
        default=0.03,
        ge=0,
        le=1,
        description="Share of the steps over which the rate rises; then it falls on a cosine.",
    )
    weight_decay: StrictFloat = Field(default=0.0, ge=0, description="AdamW's.")
    packs_per_step: StrictInt = Field(default=8, ge=1, description="Packs per optimiser step.")
    clip: StrictFloat = Field(default=1.0, gt=0, description="Largest norm of the gradient.")

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")


@dataclass(frozen=True, config=STRICT)
class AnswerSettings:
    """What a model is trained to say, and how questions are put together."""

    say: Literal["text", "letter"] = Field(
        default="letter",
        description="The answer to a closed question: the text of the option, or its letter. A "
        "language model built from nothing learns texts, and hardly letters.",
    )
    shuffle_options: StrictBool = Field(
        default=True, description="Draw the order of the options anew in every training pass."
    )
    show_options: StrictBool = Field(
        default=True, description="Whether the options stand in the question."
    )
    questions_per_pack: StrictInt = Field(
        default=8,
        ge=1,
        description="Most questions of a case that share one pass over its image tokens.",
    )


@dataclass(frozen=True, config=STRICT)
class ScoreSettings:
    """How a trained model's answers are read."""

    method: Literal["letter", "option", "text"] = Field(
        default="letter",
        description="letter: probability of the letters; option: mean log-probability of the "
        "options' texts per token; text: what the model says, greedily, read by a parser.",
    )
    also: Annotated[list[Literal["letter", "option", "text"]], UNIQUE] = Field(
        default_factory=list,
        json_schema_extra={"uniqueItems": True},
        description="More methods, for the model with its own slide only.",
    )
    new_tokens: StrictInt = Field(default=64, ge=1, description="Most tokens of a written answer.")
