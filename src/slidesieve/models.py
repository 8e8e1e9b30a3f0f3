"""Slide classifiers: a token reducer followed by an aggregator, built from a model's spec."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.registry import build_aggregator
from slidesieve.errors import ConfigError
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.guidance import guidance_loss
from slidesieve.reduction.registry import build_reducer
from slidesieve.reduction.selection import zero_padding
from slidesieve.reduction.trace import StageTrace
from slidesieve.tokens import Reduction, SlideOutput, TokenBatch

_SPEC_KEYS = ("reducer", "aggregator", "standardise")
# A spread below this share of the mean is rounding of a constant feature.
_CONSTANT = 1e-6
# Tokens standardised at once: as many as a cache holds.
_BLOCK = 512


class SlideClassifier(nn.Module):
    """Standardise, reduce, aggregate.

    Args:
        standardise: Brings features to a common scale, or passes them on.
        reducer: Makes fewer tokens.
        aggregator: Turns the tokens that are left into logits.
    """

    def __init__(
        self, standardise: Standardise | PassOn, reducer: TokenReducer, aggregator: Aggregator
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
        standardised = _Mapped(bags, self.standardise)
        self.reducer.prepare(standardised)
        self.aggregator.prepare(_Mapped(standardised, lambda bag: self.reducer(bag).tokens))
        self.train(was_training)

    def schedule(self, step: int, steps: int) -> None:
        """Set what changes over training at a step of all steps."""
        self.reducer.schedule(step, steps)
        self.aggregator.schedule(step, steps)

    def drop_training_parts(self) -> None:
        """Drop the modules that evaluation never calls; training is then an AttributeError."""
        for name in self.reducer.training_parts:
            delattr(self.reducer, name)

    def after_step(self) -> None:
        """Update what follows the optimiser."""
        self.reducer.after_step()
        self.aggregator.after_step()


class Standardise(nn.Module):
    """(x − mean) / sd of every feature, over the tokens of the training slides only.

    Handcrafted features such as `colour_texture` mix ratios, counts and intensities whose scales
    differ by orders of magnitude: without this, one learning rate cannot suit them all. Mean and
    sd are buffers, saved with the weights, so prediction uses those of training.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("sd", torch.ones(dim))

    def forward(self, tokens: TokenBatch) -> TokenBatch:
        """Standardise the real tokens in float32; padding stays zero."""
        rows = tokens.features.flatten(end_dim=1)
        scaled = rows.new_empty(rows.shape, dtype=self._dtype_of(rows))
        # Block by block in place: a large slide's features are held once and stay in the cache.
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            self._scale(scaled[block].copy_(rows[block]))
        features = zero_padding(scaled.view(tokens.features.shape), tokens.mask)
        return tokens.with_features(features)

    def rows(self, rows: Tensor) -> Tensor:
        """Standardise rows (K, D) to a new tensor, the same numbers as in their bag."""
        return self._scale(rows.to(self._dtype_of(rows), copy=True))

    def _dtype_of(self, rows: Tensor) -> torch.dtype:
        return torch.promote_types(rows.dtype, self.mean.dtype)

    def _scale(self, rows: Tensor) -> Tensor:
        return rows.sub_(self.mean).div_(self.sd)

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Measure mean and sd, merging the moments bag by bag (Chan et al. 1983)."""
        count = 0
        mean = torch.zeros_like(self.mean, dtype=torch.float64)
        squares = torch.zeros_like(mean)
        for bag in bags:
            features = bag.features[bag.mask].double()
            n_tokens = len(features)
            bag_mean = features.mean(dim=0)
            shift = bag_mean - mean
            squares += ((features - bag_mean) ** 2).sum(dim=0)
            squares += shift**2 * count * n_tokens / (count + n_tokens)
            count += n_tokens
            mean += shift * n_tokens / count
        sd = (squares / count).sqrt()
        constant = sd <= _CONSTANT * mean.abs()
        self.mean.copy_(mean)
        self.sd.copy_(torch.where(constant, 1.0, sd))


class PassOn(nn.Module):
    """Features as they come, in float32."""

    def forward(self, tokens: TokenBatch) -> TokenBatch:
        """Return the tokens in float32."""
        return tokens.with_features(tokens.features.float())

    def rows(self, rows: Tensor) -> Tensor:
        """Return rows (K, D) in float32."""
        return rows.float()

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Do nothing."""


class _Mapped(Sequence[TokenBatch]):
    """Bags transformed when they are looked at, so that no second copy of them is held."""

    def __init__(
        self, bags: Sequence[TokenBatch], transform: Callable[[TokenBatch], TokenBatch]
    ) -> None:
        self._bags = bags
        self._transform = transform

    def __len__(self) -> int:
        return len(self._bags)

    def __getitem__(self, index: int) -> TokenBatch:
        return self._transform(self._bags[index])


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
    reducer = aggregator = None
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
    if problems:
        raise ConfigError(problems)
    standardise = Standardise(dim) if spec.get("standardise", True) else PassOn()
    return SlideClassifier(standardise, reducer, aggregator)


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
