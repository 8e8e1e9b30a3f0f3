"""MHIM-MIL: a student that is shown the hard tokens, masked by a moving-average teacher."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import asdict

import torch
from pydantic import Field, StrictBool, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import (
    masked_softmax,
    padded,
    real_tokens,
    token_embedding,
    weighted_sums,
)
from slidesieve.aggregators.momentum import cosine_left, follow
from slidesieve.aggregators.settings import Dropout, Share, Width
from slidesieve.nn.linear import Linear
from slidesieve.nn.rows import ranks
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

# The student sees at least this share of a bag; masks that leave less are dropped, one by one.
_LEAST_SHARE = 0.1


@dataclass(frozen=True, config=STRICT)
class MHIMSettings:
    """Settings of MHIM-MIL; the defaults are those of the paper's TCGA runs."""

    hidden_dim: Width = Field(default=512, description="Width of u.")
    attention_dim: Width = Field(default=128, description="Width of V u.")
    dropout: Dropout = Field(default=0.25, description="Of u, in training.")
    masking: StrictBool = Field(
        default=True, description="false for the plain model that the teacher starts from."
    )
    mask_random: Share = Field(default=0.7, description="Share of the tokens masked at random.")
    mask_low: Share = Field(
        default=0.2, description="Share masked of least attention, by the teacher."
    )
    mask_high: Share = Field(
        default=0.02, description="Share masked of most attention; it falls on a cosine to 0."
    )
    consistency_weight: StrictFloat = Field(default=0.5, ge=0, description="α.")
    temperature: StrictFloat = Field(default=0.1, gt=0, description="Of the teacher's softmax.")
    momentum: Share = Field(
        default=0.9999, description="m of the moving average; it rises on a cosine to 1."
    )


class MHIM(Aggregator):
    """MHIM-MIL, version 1 on ABMIL (Tang et al. 2023, https://arxiv.org/abs/2307.15254).

    u_n = Dropout(ReLU(W x_n + b));  a = softmax_n(w · GELU(V u_n));  z = Σ_n a_n u_n;
    logits = W_c z + b_c

    In training a teacher of the same shape ranks all tokens by its attention. Masked are the
    ⌈N h⌉ of most attention, the ⌈N l⌉ of least and ⌈N r⌉ drawn at random; the student sees what is
    left. Added loss: α · (−Σ_j softmax(z_T / t)_j log softmax(z_S)_j) over the features j of z.
    After a step θ_T ← m θ_T + (1 − m) θ_S. The teacher begins as a plain model that is fitted
    first; the student takes over its embedding. In use the student sees all tokens.

    Unlike in the authors' code the teacher is in evaluation mode, and a mask that would leave the
    student fewer than a tenth of the tokens is not applied: theirs can leave none.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape, masks and losses.
    """

    training_parts = ("momentum_teacher",)

    def __init__(self, dim: int, n_classes: int, settings: MHIMSettings) -> None:
        super().__init__()
        self.settings = settings
        self.pool = AttentionPool(dim, settings)
        self.classifier = nn.Linear(settings.hidden_dim, n_classes)
        self.momentum_teacher: AttentionPool | None = None
        self._momentum, self._high = settings.momentum, settings.mask_high
        if settings.masking:
            plain = {**asdict(settings), "masking": False}
            self.teacher = {"aggregator": {"name": "mhim", **plain}}
            self.momentum_teacher = deepcopy(self.pool).requires_grad_(False)

    def learn_from(self, teacher: nn.Module) -> None:
        """Let the teacher begin as the fitted model, and the student with its embedding."""
        fitted = teacher.get_submodule("aggregator").get_submodule("pool").state_dict()
        if self.momentum_teacher is not None:
            self.momentum_teacher.load_state_dict(fitted)
        embedding = {k: v for k, v in fitted.items() if k.startswith("embed.")}
        self.pool.load_state_dict(embedding, strict=False)

    def train(self, mode: bool = True) -> MHIM:
        """Switch to training, except for the teacher, whose dropout stays off."""
        super().train(mode)
        if getattr(self, "momentum_teacher", None) is not None:
            self.get_submodule("momentum_teacher").eval()
        return self

    def schedule(self, step: int, steps: int) -> None:
        """Let the mask of most attention fall and the momentum rise, on a cosine."""
        left = cosine_left(step, steps)
        self._high = self.settings.mask_high * left
        self._momentum = 1 - (1 - self.settings.momentum) * left

    def after_step(self) -> None:
        """Move the teacher towards the student."""
        if self.momentum_teacher is not None:
            follow(self.momentum_teacher, self.pool, self._momentum)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify; with labels, in training, the student sees a part of each bag."""
        if labels is None or self.momentum_teacher is None:
            attention, pooled = self.pool(real_tokens(tokens), tokens.mask)
            return SlideOutput(self.classifier(pooled), attention, pooled)
        with torch.no_grad():
            ranked_by, of_teacher = self.momentum_teacher(real_tokens(tokens), tokens.mask)
            shown = self.shown(ranked_by, tokens.mask)
        attention, pooled = self.pool(tokens.features[shown], shown)
        wanted = (of_teacher.float() / self.settings.temperature).softmax(dim=1)
        consistency = -(wanted * pooled.float().log_softmax(dim=1)).sum(dim=1).mean()
        losses = {"consistency": self.settings.consistency_weight * consistency}
        return SlideOutput(self.classifier(pooled), attention, pooled, losses)

    def shown(self, attention: Tensor, mask: Tensor) -> Tensor:
        """Return which tokens the student sees, (B, N) bool; draws random numbers.

        Args:
            attention: (B, N) of the teacher.
            mask: (B, N) bool, True where a token is real.
        """
        n_tokens = mask.sum(dim=1, keepdim=True)
        rank = ranks(attention, mask)
        drawn = ranks(torch.rand_like(attention), mask)
        masks = (
            rank < share_of(n_tokens, self._high),
            rank >= n_tokens - share_of(n_tokens, self.settings.mask_low),
            drawn < share_of(n_tokens, self.settings.mask_random),
        )
        least = share_of(n_tokens, _LEAST_SHARE)
        shown = mask
        for hidden in masks:
            left = shown & ~hidden
            shown = torch.where(left.sum(dim=1, keepdim=True) >= least, left, shown)
        return shown


class AttentionPool(nn.Module):
    """ABMIL's pool without biases, as MHIM has it.

    Args:
        dim: Width of the tokens.
        settings: Its shape.
    """

    def __init__(self, dim: int, settings: MHIMSettings) -> None:
        super().__init__()
        self.embed = token_embedding(dim, settings.hidden_dim, settings.dropout)
        self.content = nn.Sequential(
            Linear(settings.hidden_dim, settings.attention_dim, bias=False), nn.GELU()
        )
        self.score = nn.Linear(settings.attention_dim, 1, bias=False)

    def forward(self, features: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention (B, N) and pooled states (B, H) of the T real tokens (T, D)."""
        embedded = self.embed(features)
        scores = self.score(self.content(embedded)).squeeze(-1)
        attention = masked_softmax(padded(scores, mask, fill=0.0), mask)
        return attention, weighted_sums(attention, mask, embedded)


def share_of(n_tokens: Tensor, share: float) -> Tensor:
    """Return ⌈N s⌉ of numbers of tokens N, int64."""
    # A product such as 0.7 * 10 must not be rounded up to 8.
    return (n_tokens.double() * share - 1e-9).ceil().clamp(min=0).long()
