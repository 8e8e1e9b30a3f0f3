"""From the tokens of a case to embeddings that a language model reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from slidesieve.errors import ConfigError
from slidesieve.models.standardise import NoStandardisation, Standardise
from slidesieve.nn.lazy_bags import LazyBags
from slidesieve.parsing.parts import part_name
from slidesieve.reduction.registry import REDUCERS, build_reducer
from slidesieve.reduction.sampling import RandomSampling
from slidesieve.reduction.selection import Budget, positions
from slidesieve.tokens import Reduction, TokenBatch

# Guided passes need the attention of an aggregator, which a language model does not give.
_UNGUIDED: Mapping[str, object] = {"guided_share": 0.0, "guidance_weight": 0.0}
COMPACT, ORIGINAL = "compact", "original"


@dataclass(frozen=True)
class Prefix:
    """The image tokens of B cases.

    Attributes:
        embeddings: (B, M, d), as wide as the language model.
        mask: (B, M) bool, True where a token is real.
        places: (B, M) int64, position of each token among the positions the image takes.
        spans: (B,) int64, number of those positions.
        reduction: What the reducer did.
    """

    embeddings: Tensor
    mask: Tensor
    places: Tensor
    spans: Tensor
    reduction: Reduction


class SlidePrefix(nn.Module):
    """Standardise, reduce, project.

    The projector is SlideChat's: Linear, GELU, Linear (Chen et al. 2024, arXiv 2410.11761).

    Args:
        dim: Width of the features.
        width: Width of the language model.
        reducer: Name of a reducer, or name and parameters.
        standardise: Whether features are brought to a common scale.
        position_mode: "compact" (image tokens one after another) or "original" (each where it stood
            among the case's tokens, so that rotary encodings show how far apart they were).

    Raises:
        ConfigError: The reducer is unknown, or cannot stand before a language model.
    """

    def __init__(
        self,
        dim: int,
        width: int,
        reducer: str | Mapping[str, object],
        standardise: bool = True,
        position_mode: str = COMPACT,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(dim) if standardise else NoStandardisation()
        self.reducer = build_reducer(reducer_before_language(reducer), dim)
        self.projector = nn.Sequential(
            nn.Linear(self.reducer.dim_out, width), nn.GELU(), nn.Linear(width, width)
        )
        self._position_mode = position_mode

    def forward(self, tokens: TokenBatch) -> Prefix:
        """Turn B bags into image tokens."""
        return self._projected(self.reducer.reduce(tokens, self.standardise), tokens)

    def soft(self, tokens: TokenBatch) -> Prefix:
        """Turn B bags into image tokens as training does, at the last temperature; noisy.

        Raises:
            AttributeError: The reducer has no soft path.
        """
        reducer: Any = self.reducer
        return self._projected(reducer.soft(*reducer.score(self.standardise(tokens))), tokens)

    def _projected(self, reduction: Reduction, given: TokenBatch) -> Prefix:
        kept = reduction.tokens
        compact = self._position_mode == COMPACT
        return Prefix(
            embeddings=self.projector(kept.features),
            mask=kept.mask,
            places=positions(kept.mask) if compact else _first_sources(reduction),
            spans=kept.lengths if compact else given.lengths,
            reduction=reduction,
        )

    @torch.no_grad()
    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Look at the training bags (each a batch of one) once before fitting."""
        was_training = self.training
        self.eval()
        self.standardise.prepare(bags)
        self.reducer.prepare(LazyBags(bags, self.standardise))
        self.train(was_training)

    def drop_training_parts(self) -> None:
        """Drop the modules that evaluation never calls."""
        for name in self.reducer.training_parts:
            delattr(self.reducer, name)


def reducer_before_language(spec: str | Mapping[str, object]) -> Mapping[str, object]:
    """Return the spec of a reducer as it is built before a language model.

    Raises:
        ConfigError: The reducer learns from what a language model does not give.
    """
    named = {"name": spec} if isinstance(spec, str) else dict(spec)
    entry = REDUCERS.get(part_name(named))
    if entry is None:
        return named  # whoever builds it names what is known
    if entry.needs_teacher:
        raise ConfigError(
            [
                f"reducer {named['name']}: learns from a classifier of slides, and questions have "
                "no classes; take another reducer"
            ]
        )
    if not hasattr(entry.settings_class(), "guided_share"):
        return named
    if named.get("guided_share", 0.0) != 0.0:
        raise ConfigError(
            [
                f"reducer {named['name']}: guided passes follow the attention of an aggregator, "
                "which a language model does not give; set guided_share: 0.0"
            ]
        )
    return {**named, **_UNGUIDED}


@torch.no_grad()
def random_tokens(tokens: TokenBatch, k: int) -> TokenBatch:
    """Return k random tokens of each bag, the same ones whenever it is asked."""
    return RandomSampling(tokens.features.shape[-1], Budget(k=k)).eval()(tokens).tokens


def _first_sources(reduction: Reduction) -> Tensor:
    """Return the place of the first token that went into each one left, (B, M); 0 in padding."""
    source = reduction.source
    n_out = reduction.tokens.mask.shape[1]
    given = torch.arange(source.shape[1], device=source.device).expand_as(source)
    # A place behind the last takes what was dropped.
    first = source.new_full((len(source), n_out + 1), source.shape[1])
    first.scatter_reduce_(1, torch.where(source >= 0, source, n_out), given, "amin")
    found = first[:, :n_out]
    # Into a merged token nothing may have gone for the most part (soft assignments).
    return torch.where(found < source.shape[1], found, 0) * reduction.tokens.mask
