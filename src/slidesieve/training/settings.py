"""How a model is fitted."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_type_hints

from slidesieve.errors import ConfigError
from slidesieve.parsing.specs import fits, readable

MONITORS = ("loss", "balanced_accuracy")
CLASS_WEIGHTS = ("none", "balanced")


@dataclass(frozen=True)
class TrainingSettings:
    """The `training` section of a config.

    Attributes:
        epochs: Most passes over the training slides.
        lr: Adam's learning rate.
        weight_decay: Adam's L2 penalty.
        batch_slides: Slides per optimiser step.
        token_budget: Most tokens on the device at once, padding included. A step whose slides do
            not fit is computed in several passes whose gradients add up to the same step. A CPU
            gets at most 4096, or one slide.
        preload_mb: Most megabytes of features held in memory; slides beyond are read from their
            files in every pass.
        patience: Epochs without improvement on the validation part before stopping.
        min_epochs: Epochs before which training does not stop.
        monitor: What improvement means on the validation part: "loss", or "balanced_accuracy"
            with equal values decided by the loss.
        class_weights: "none", or "balanced": w_c = n / (C n_c) over the training slides.
        amp: Whether to train in mixed precision on a GPU.
        cpu_bf16: Whether to train in bfloat16 on a CPU: much faster where it has instructions for
            it, much slower elsewhere, and never the same bytes as in full precision.
        seed: Of weights, order of slides, dropout and sampling.
    """

    epochs: int = 100
    lr: float = 1e-3
    weight_decay: float = 1e-5
    batch_slides: int = 4
    token_budget: int = 65_536
    preload_mb: int = 4000
    patience: int = 50
    min_epochs: int = 50
    monitor: str = "balanced_accuracy"
    class_weights: str = "none"
    amp: bool = True
    cpu_bf16: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        problems = [
            f"training: {name} is {getattr(self, name)}; it must be at least 1"
            for name in ("epochs", "batch_slides", "token_budget", "patience", "min_epochs")
            if getattr(self, name) < 1
        ]
        if self.preload_mb < 0:
            problems.append(f"training: preload_mb is {self.preload_mb}; it must not be below 0")
        if not self.lr > 0:
            problems.append(f"training: lr is {self.lr}; it must be above 0")
        if not self.weight_decay >= 0:
            problems.append(
                f"training: weight_decay is {self.weight_decay}; it must not be below 0"
            )
        for name, allowed in (("monitor", MONITORS), ("class_weights", CLASS_WEIGHTS)):
            if getattr(self, name) not in allowed:
                problems.append(
                    f"training: {name} is {getattr(self, name)}; allowed: {', '.join(allowed)}"
                )
        if problems:
            raise ConfigError(problems)

    @classmethod
    def from_config(cls, section: Mapping[str, object]) -> TrainingSettings:
        """Read the section of a config; unknown keys and wrong types are mistakes.

        Raises:
            ConfigError: All mistakes found.
        """
        types = get_type_hints(cls)
        fields = [field.name for field in dataclasses.fields(cls)]
        problems = []
        for key, value in section.items():
            if key not in fields:
                problems.append(f"training: no key {key!r}; allowed: {', '.join(fields)}")
            elif not fits(value, types[key]):
                problems.append(f"training: {key} is {value!r}, expected {readable(types[key])}")
        if problems:
            raise ConfigError(problems)
        return cls(**section)
