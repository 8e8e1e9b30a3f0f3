"""Records that flow between the parts of a model: padded batches of tokens and results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class TokenBatch:
    """B bags of tokens, padded to the longest.

    Padding is always at the end of a bag and holds zeros; models must give the same answer
    whatever the padding.

    Attributes:
        features: (B, N, D) float.
        mask: (B, N) bool, True where a token is real.
        coords: (B, N, 2) top-left corner of the token's tile, level-0 px.
        size: (B, N) float, the number of tiles merged into each token (0 in padding).
        pitch: (B,) float64, distance of neighbouring tiles in level-0 px, 0 where unknown; None if
            it is known of no bag.
    """

    features: Tensor
    mask: Tensor
    coords: Tensor
    size: Tensor
    pitch: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        """(B,) number of real tokens in each bag."""
        return self.mask.sum(dim=1)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> TokenBatch:
        """Return the batch on another device."""
        return self._each(lambda part: part.to(device, non_blocking=non_blocking))

    def pin_memory(self) -> TokenBatch:
        """Return the batch in page-locked memory, from which a GPU copies without waiting."""
        return self._each(lambda part: part.pin_memory())

    def _each(self, change: Callable[[Tensor], Tensor]) -> TokenBatch:
        return TokenBatch(
            features=change(self.features),
            mask=change(self.mask),
            coords=change(self.coords),
            size=change(self.size),
            pitch=None if self.pitch is None else change(self.pitch),
        )

    def with_features(self, features: Tensor) -> TokenBatch:
        """Return the same tokens carrying other features, (B, N, D')."""
        return replace(self, features=features)


@dataclass(frozen=True)
class Reduction:
    """The result of a token reducer.

    Attributes:
        tokens: The tokens that are left, (B, N_out, …).
        source: (B, N_in) int64: index of the output token each input token went to, or -1 if it
            was dropped (or is padding).
        losses: Named scalar losses to be added to the training objective.
        scores: (B, N_in) what the input tokens were ranked by, on the reducer's own scale and
            meaningless in padding; None if by nothing.
        pupil: (B, N_out) log importance, up to a constant per bag, that shall follow the attention
            which the aggregator pays to the tokens; in training only, None if nothing shall.
    """

    tokens: TokenBatch
    source: Tensor
    losses: dict[str, Tensor] = field(default_factory=dict)
    scores: Tensor | None = None
    pupil: Tensor | None = None


@dataclass(frozen=True)
class SlideOutput:
    """The result of an aggregator.

    Attributes:
        logits: (B, C).
        attention: (B, N) weights over the tokens it was given, each row summing to 1, 0 in padding.
        embedding: (B, D') slide embedding.
        losses: Named scalar losses to be added to the training objective.
    """

    logits: Tensor
    attention: Tensor
    embedding: Tensor
    losses: dict[str, Tensor] = field(default_factory=dict)
