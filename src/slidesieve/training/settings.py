"""How a model is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT, parse_settings


@dataclass(frozen=True, config=STRICT)
class TrainingSettings:
    """The `training` section of a config."""

    epochs: StrictInt = Field(
        default=100, ge=1, description="Most passes over the training slides."
    )
    lr: StrictFloat = Field(default=1e-3, gt=0, description="Adam's learning rate.")
    weight_decay: StrictFloat = Field(default=1e-5, ge=0, description="Adam's L2 penalty.")
    batch_slides: StrictInt = Field(default=4, ge=1, description="Slides per optimiser step.")
    token_budget: StrictInt = Field(
        default=65_536,
        ge=1,
        description="Most tokens on the device at once, padding included. A step whose slides do "
        "not fit is computed in several passes whose gradients add up to the same step. A CPU gets "
        "at most 4096, or one slide.",
    )
    preload_mb: StrictInt = Field(
        default=4000,
        ge=0,
        description="Most MB of features held in memory; slides beyond are read from their files "
        "in every pass.",
    )
    patience: StrictInt = Field(
        default=50,
        ge=1,
        description="Epochs without improvement on the validation part before training stops.",
    )
    min_epochs: StrictInt = Field(
        default=50, ge=1, description="Epochs before which training does not stop."
    )
    monitor: Literal["loss", "balanced_accuracy"] = Field(
        default="balanced_accuracy",
        description="Score on the validation part that must improve. Equal balanced accuracies are "
        "decided by the loss.",
    )
    restarts: StrictInt = Field(
        default=1,
        ge=0,
        description="Most fits with another seed of a fold whose fit shows signs of failure "
        "(early best epoch, chance on the validation part); the best on the validation part is "
        "kept.",
    )
    class_weights: Literal["none", "balanced"] = Field(
        default="none",
        description="Weights of the classes in the loss; balanced: n / (C n_c) over the training "
        "slides.",
    )
    amp: StrictBool = Field(
        default=True, description="Whether to train in mixed precision on a GPU."
    )
    cpu_bf16: StrictBool = Field(
        default=False,
        description="Whether to train in bfloat16 on a CPU: much faster where it has instructions "
        "for it, much slower elsewhere, and never the same bytes as in full precision.",
    )
    final_model: StrictBool = Field(
        default=False,
        description="Whether to fit each model once more, to all patients, as long as the median "
        "of its folds' best epochs. It goes into bundles; no metric is of it.",
    )
    seed: StrictInt = Field(
        default=0, description="Of weights, order of slides, dropout and sampling."
    )

    @classmethod
    def from_config(cls, section: Mapping[str, object]) -> TrainingSettings:
        """Read the section of a config; unknown keys and wrong types are mistakes.

        Raises:
            ConfigError: All mistakes found.
        """
        return parse_settings(cls, section, "training")
