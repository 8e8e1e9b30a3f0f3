"""MHIM-MIL, version 2: the most telling tokens are masked, and most of the others' rest merged."""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import asdict

import torch
from pydantic import Field, StrictBool, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import masked_softmax, padded, real_tokens
from slidesieve.aggregators.mhim import AttentionPool, MHIMSettings, share_of
from slidesieve.aggregators.momentum import cosine_left, follow
from slidesieve.aggregators.settings import Dropout, Share, Width
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.nn.rows import ranks
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class MHIM2Settings:
    """Settings of MHIM-MIL, version 2."""

    hidden_dim: Width = Field(default=512, description="Width of u.")
    attention_dim: Width = Field(default=128, description="Width of V u.")
    dropout: Dropout = Field(default=0.25, description="Of u, in training.")
    masking: StrictBool = Field(
        default=True, description="false for the plain model that the teacher starts from."
    )
    mask_high: Share = Field(
        default=0.03, description="Share masked of highest score; it falls on a cosine to 0."
    )
    keep: StrictFloat = Field(
        default=0.9, ge=0, lt=1, description="Share of the others that stay; the rest is merged."
    )
    merged_tokens: Width = Field(default=1, description="Tokens that the rest is merged to.")
    merge_heads: Width = Field(default=8, description="Attention heads of the merge.")
    merge_head_dim: Width = Field(default=64, description="Width of one of them.")
    merge_dropout: Dropout = Field(default=0.1, description="Of the merge, in training.")
    merge_momentum: Share = Field(default=0.9999, description="Of the merge's queries.")
    consistency_weight: StrictFloat = Field(default=0.5, ge=0, description="α.")
    temperature: StrictFloat = Field(default=0.1, gt=0, description="Of the teacher's softmax.")
    momentum: Share = Field(
        default=0.9997, description="m of the moving average; it rises on a cosine to 1."
    )


class MHIM2(Aggregator):
    """MHIM-MIL, version 2 on ABMIL (Tang et al. 2025, https://arxiv.org/abs/2509.11526).

    u, a, z and the logits are those of version 1. In training a teacher of the same shape scores
    all tokens: s_n = max_c softmax_c(a_n W_c · u_n). The ⌈N h⌉ tokens of highest score are masked.
    Of the n others ⌊ρ n⌋, drawn at random, stay; the rest is merged to k tokens by attention of k
    queries, M = MHA(LN(Q), LN(rest)). The student pools what stays and M.
    Added loss: that of version 1. After a step θ_T ← m θ_T + (1 − m) θ_S, classifier included, and
    Q ← m_q Q + (1 − m_q) M. In use the student sees all tokens, and nothing is merged.

    As in version 1 the teacher is in evaluation mode, and at least a tenth of a bag is not masked.
    The authors update Q slide by slide; here by the mean of a step's slides.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape, masks and losses.
    """

    training_parts = ("teacher_pool", "teacher_classifier", "merge")

    def __init__(self, dim: int, n_classes: int, settings: MHIM2Settings) -> None:
        super().__init__()
        self.settings = settings
        width = settings.hidden_dim
        shape = MHIMSettings(width, settings.attention_dim, settings.dropout, masking=False)
        self.pool = AttentionPool(dim, shape)
        self.classifier = nn.Linear(width, n_classes)
        self._momentum, self._high = settings.momentum, settings.mask_high
        self.teacher_pool: AttentionPool | None = None
        if settings.masking:
            plain = {**asdict(settings), "masking": False}
            self.teacher = {"aggregator": {"name": "mhim2", **plain}}
            self.teacher_pool = deepcopy(self.pool).requires_grad_(False)
            self.teacher_classifier = deepcopy(self.classifier).requires_grad_(False)
            self.merge = Merge(settings)

    def learn_from(self, teacher: nn.Module) -> None:
        """Let the teacher begin as the fitted model, and the student with its embedding."""
        fitted = teacher.get_submodule("aggregator")
        if self.teacher_pool is not None:
            self.teacher_pool.load_state_dict(fitted.get_submodule("pool").state_dict())
            state = fitted.get_submodule("classifier").state_dict()
            self.teacher_classifier.load_state_dict(state)
        embedding = fitted.get_submodule("pool.embed").state_dict()
        self.pool.embed.load_state_dict(embedding)

    def train(self, mode: bool = True) -> MHIM2:
        """Switch to training, except for the teacher, whose dropout stays off."""
        super().train(mode)
        if getattr(self, "teacher_pool", None) is not None:
            self.get_submodule("teacher_pool").eval()
        return self

    def schedule(self, step: int, steps: int) -> None:
        """Let the mask fall and the momentum rise, on a cosine."""
        left = cosine_left(step, steps)
        self._high = self.settings.mask_high * left
        self._momentum = 1 - (1 - self.settings.momentum) * left

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the teacher towards the student, and the merge's queries towards its answers."""
        if self.teacher_pool is None:
            return
        follow(self.teacher_pool, self.pool, self._momentum)
        follow(self.teacher_classifier, self.classifier, self._momentum)
        self.merge.follow()

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify; with labels, in training, the student sees a part of each bag."""
        features, mask = real_tokens(tokens), tokens.mask
        if labels is None or self.teacher_pool is None:
            attention, pooled = self.pool(features, mask)
            return SlideOutput(self.classifier(pooled), attention, pooled)
        with torch.no_grad():
            attention, of_teacher = self.teacher_pool(features, mask)
            scores = self._scores(attention, self.teacher_pool.embed(features), mask)
            stays, rest = self._divided(scores, mask)
        states = padded(self.pool.embed(features), mask, fill=0.0)
        merged, sources = self.merge(states, rest)
        together = torch.cat([states, merged], dim=1)
        seen = torch.cat([stays, stays.new_ones(merged.shape[:2])], dim=1)
        logits = self.pool.score(self.pool.content(together)).squeeze(-1)
        weights = masked_softmax(logits, seen)
        pooled = (weights[:, None] @ together.float()).squeeze(1)
        wanted = (of_teacher.float() / self.settings.temperature).softmax(dim=1)
        consistency = -(wanted * pooled.log_softmax(dim=1)).sum(dim=1).mean()
        losses = {"consistency": self.settings.consistency_weight * consistency}
        own, of_merged = weights.split([states.shape[1], merged.shape[1]], dim=1)
        shown = own + (of_merged[..., None] * sources).sum(dim=1)
        return SlideOutput(self.classifier(pooled), shown, pooled, losses)

    def _scores(self, attention: Tensor, embedded: Tensor, mask: Tensor) -> Tensor:
        """Return s (B, N) of all tokens; the classifier's bias would change nothing."""
        of_token = embedded.float() @ self.teacher_classifier.weight.float().T
        shares = (attention[mask][:, None] * of_token).softmax(dim=1)
        return padded(shares.amax(dim=1), mask, fill=0.0)

    def _divided(self, scores: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return which tokens stay and which are merged, (B, N) bool each; draws them."""
        n_tokens = mask.sum(dim=1, keepdim=True)
        least = share_of(n_tokens, 0.1).clamp(min=1)
        n_masked = torch.minimum(share_of(n_tokens, self._high), n_tokens - least)
        left = mask & (ranks(scores, mask) >= n_masked)
        # A product such as 0.9 * 10 must not be rounded down to 8.
        n_left = n_tokens - n_masked
        n_stay = (n_left.double() * self.settings.keep + 1e-9).floor().long()
        n_stay = torch.minimum(n_stay, n_left - 1)
        stays = left & (ranks(torch.rand_like(scores), left) < n_stay)
        return stays, left & ~stays


class Merge(nn.Module):
    """Merges tokens to a few by attention of queries that follow its answers.

    Args:
        settings: Of the aggregator.
    """

    queries: Tensor

    def __init__(self, settings: MHIM2Settings) -> None:
        super().__init__()
        width, inner = settings.hidden_dim, settings.merge_heads * settings.merge_head_dim
        self.heads, self.momentum = settings.merge_heads, settings.merge_momentum
        bound = math.sqrt(6 / (3 * 256 + width))
        start = torch.empty(settings.merged_tokens, width).uniform_(-bound, bound)
        self.register_buffer("queries", start)
        self.norm = nn.LayerNorm(width)
        self.query = Linear(width, inner, bias=False)
        self.key_value = Linear(width, 2 * inner, bias=False)
        self.drop = dropout_layer(settings.merge_dropout)
        self.project = nn.Sequential(Linear(inner, width), dropout_layer(settings.merge_dropout))
        self._answers: list[Tensor] = []

    def forward(self, states: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return the merged tokens (B, k, H), and their weights (B, k, N), mean of the heads.

        Args:
            states: (B, N, H).
            mask: (B, N) bool, which are merged; every row has a True.
        """
        query = self.query(self.norm(self.queries)).unflatten(-1, (self.heads, -1))
        parts = self.key_value(self.norm(states)).unflatten(-1, (2, self.heads, -1))
        key, value = parts.unbind(dim=2)
        logits = torch.einsum("khd,bnhd->bhkn", query, key) * query.shape[-1] ** -0.5
        hidden = ~mask[:, None, None]
        weights = logits.float().masked_fill(hidden, -torch.inf).softmax(dim=-1)
        answers = torch.einsum("bhkn,bnhd->bkhd", self.drop(weights).to(value.dtype), value)
        merged = self.project(answers.flatten(start_dim=2))
        if self.training:
            self._answers.append(merged.detach().float())
        return merged, weights.detach().mean(dim=1)

    def follow(self) -> None:
        """Move the queries towards the mean of the answers since the last step."""
        if self._answers:
            self.queries.lerp_(torch.cat(self._answers).mean(dim=0), 1 - self.momentum)
        self._answers.clear()
