"""Slide classifiers: a token reducer followed by an aggregator, built from a model's spec."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.registry import AGGREGATORS, build_aggregator
from slidesieve.errors import ConfigError
from slidesieve.models.standardise import NoStandardisation, Standardise
from slidesieve.nn.lazy_bags import LazyBags
from slidesieve.nn.part import ModelPart
from slidesieve.parsing.parts import part_name
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.guidance import guidance_loss
from slidesieve.reduction.registry import build_reducer, reducer_entry
from slidesieve.reduction.trace import StageTrace
from slidesieve.tokens import Reduction, SlideOutput, TokenBatch

_SPEC_KEYS = ("reducer", "aggregator", "standardise")


class SlideClassifier(nn.Module):
    """Standardise, reduce, aggregate.

    Args:
        standardise: Brings features to a common scale, or passes them on.
        reducer: Makes fewer tokens.
        aggregator: Turns the tokens that are left into logits.
    """

    def __init__(
        self,
        standardise: Standardise | NoStandardisation,
        reducer: TokenReducer,
        aggregator: Aggregator,
    ) -> None:
        super().__init__()
        self.standardise = standardise
        self.reducer = reducer
        self.aggregator = aggregator

    def forward(
        self, tokens: TokenBatch, labels: Tensor | None = None
    ) -> tuple[SlideOutput, Reduction]:
        """Classify B bags; labels (B,) int64 are given in training only."""
        reduction = self.reducer.reduce(tokens, self.standardise)
        output = self.aggregator(reduction.tokens, labels)
        if reduction.pupil is not None:
            loss = guidance_loss(reduction.pupil, output.attention, reduction.tokens.mask)
            weighted = {"guidance": self.reducer.guidance_weight * loss}
            output = replace(output, losses=output.losses | weighted)
        return output, reduction

    def trace(self, tokens: TokenBatch) -> tuple[SlideOutput, Reduction, tuple[StageTrace, ...]]:
        """Classify B bags and tell what the reducer did to each token, stage by stage."""
        reduction, stages = self.reducer.trace(self.standardise(tokens))
        return self.aggregator(reduction.tokens), reduction, stages

    @torch.no_grad()
    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Look at the training bags (each a batch of one) once before fitting."""
        was_training = self.training
        self.eval()
        self.standardise.prepare(bags)
        standardised = LazyBags(bags, self.standardise)
        self.reducer.prepare(standardised)
        self.aggregator.prepare(LazyBags(standardised, lambda bag: self.reducer(bag).tokens))
        self.train(was_training)

    @property
    def parts(self) -> tuple[ModelPart, ...]:
        """The reducer and the aggregator."""
        return self.reducer, self.aggregator

    @property
    def warmup_share(self) -> float:
        """Share of the steps before both parts work as they do in use."""
        return max(part.warmup_share for part in self.parts)

    def schedule(self, step: int, steps: int) -> None:
        """Set what changes over training at a step of all steps."""
        for part in self.parts:
            part.schedule(step, steps)

    def drop_training_parts(self) -> None:
        """Drop the modules that evaluation never calls; training is then an AttributeError."""
        for part in self.parts:
            for name in part.training_parts:
                delattr(part, name)

    def after_step(self) -> None:
        """Update what follows the optimiser."""
        for part in self.parts:
            part.after_step()

    def diagnostics(self) -> dict[str, float]:
        """Return what history.csv is to hold of the epoch that has just ended."""
        return self.reducer.diagnostics() | self.aggregator.diagnostics()


def build_model(spec: Mapping[str, object], dim: int, n_classes: int) -> SlideClassifier:
    """Build a model from its spec in the config.

    Args:
        spec: `aggregator` (required), `reducer` (default none), each a name or {name: …,
            parameters}; `standardise` (default true).
        dim: Width of the features.
        n_classes: Number of classes.

    Raises:
        ConfigError: All mistakes in the spec.
    """
    problems = [
        f"model: no key {key!r}; allowed: {', '.join(_SPEC_KEYS)}"
        for key in spec
        if key not in _SPEC_KEYS
    ]
    if not isinstance(spec.get("standardise", True), bool):
        problems.append(f"model: standardise is {spec['standardise']!r}, expected true or false")
    reducer: TokenReducer | None = None
    aggregator: Aggregator | None = None
    try:
        reducer = build_reducer(spec.get("reducer", "none"), dim)
    except ConfigError as error:
        problems += error.problems
    if "aggregator" not in spec:
        problems.append("model: key 'aggregator' is missing")
    else:
        try:
            width = reducer.dim_out if reducer else dim
            aggregator = build_aggregator(spec["aggregator"], width, n_classes)
        except ConfigError as error:
            problems += error.problems
    if problems or reducer is None or aggregator is None:
        raise ConfigError(problems)
    standardise = Standardise(dim) if spec.get("standardise", True) else NoStandardisation()
    return SlideClassifier(standardise, reducer, aggregator)


def needs_places(spec: Mapping[str, Any]) -> bool:
    """Return whether a model reads where tiles lie on the slide's grid; its spec is sound."""
    parts = reducer_entry(spec), AGGREGATORS[part_name(spec["aggregator"])]
    return any(part.needs_pitch for part in parts)


def token_attention(output: SlideOutput, reduction: Reduction) -> Tensor:
    """Bring attention back to the tokens that entered the model, for heat maps.

    The attention of a merged token is shared equally among the tokens it was made of; dropped
    tokens and padding get 0. Rows still sum to 1.

    Returns:
        (B, N_in).
    """
    source = reduction.source
    came_from_some = source >= 0
    target = source.clamp(min=0)
    n_merged = torch.zeros_like(output.attention).scatter_add(
        1, target, came_from_some.to(output.attention.dtype)
    )
    share = output.attention / n_merged.clamp(min=1)
    return share.gather(1, target) * came_from_some
