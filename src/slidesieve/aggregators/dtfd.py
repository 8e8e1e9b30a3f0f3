"""DTFD-MIL: pseudo-bags under an attention pool each, and a second pool over what they distil."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.gated_scores import GatedScores
from slidesieve.aggregators.layers import masked_softmax, padded, real_tokens, weighted_sums
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.nn.rows import ranks, rows_at
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class DTFDSettings:
    """Settings of DTFD-MIL."""

    distil: Literal["afs", "maxmin"] = Field(
        default="afs",
        description="Of each pseudo-bag the second tier sees its pooled state (afs), or the states "
        "of its `instances` strongest and weakest tokens (maxmin; MaxMinS in the paper).",
    )
    pseudo_bags: Width = Field(default=4, description="Pseudo-bags of a slide.")
    instances: Width = Field(
        default=1, description="Tokens per end of a pseudo-bag's ranking that maxmin takes."
    )
    hidden_dim: Width = Field(default=512, description="Width of h.")
    attention_dim: Width = Field(default=128, description="Width of V h and U h in both tiers.")
    dropout: Dropout = Field(default=0.0, description="Of h, in training.")


class DTFD(Aggregator):
    """DTFD-MIL (Zhang et al. 2022, https://arxiv.org/abs/2203.12081).

    h_n = ReLU(W x_n);  e_n = w · (tanh(V h_n) ⊙ σ(U h_n)) + c
    First tier, per pseudo-bag g: a = softmax of e over g;  z_g = Σ a_n h_n;  y_g = C₁ z_g + b₁
    Tokens of a pseudo-bag are ranked by softmax(C₁ a_n h_n) of the class that y_g predicts.
    Second tier: a gated attention pool and a linear layer over z_g (afs), or over h of the
    strongest and weakest tokens of every pseudo-bag (maxmin). Its logits are the slide's.

    Added loss: the mean cross-entropy of the y_g. As in the authors' code, the second tier's loss
    trains the second tier alone. They rank by the last class; of two classes, that gives maxmin
    the same tokens.

    Pseudo-bags are drawn in training. In use the authors draw them, too; here tokens are dealt to
    them by falling e, so that a slide always gets the same answer. A slide of fewer tokens than
    pseudo-bags has one per token.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: DTFDSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embed = nn.Sequential(
            Linear(dim, settings.hidden_dim, bias=False), nn.ReLU(), dropout_layer(settings.dropout)
        )
        self.scores = GatedScores(settings.hidden_dim, settings.attention_dim)
        self.first_classifier = nn.Linear(settings.hidden_dim, n_classes)
        self.second_scores = GatedScores(settings.hidden_dim, settings.attention_dim)
        self.classifier = nn.Linear(settings.hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify; labels are used for the loss of the pseudo-bags."""
        embedded = self.embed(real_tokens(tokens))
        scores = padded(self.scores(embedded).squeeze(-1), tokens.mask, fill=0.0)
        own = self._members(scores, tokens.mask)
        there = own.any(dim=2)
        attention = torch.stack(
            [
                # A pseudo-bag that a small slide lacks is given its tokens, and counts nowhere.
                masked_softmax(scores, torch.where(there[:, g, None], own[:, g], tokens.mask))
                for g in range(own.shape[1])
            ],
            dim=1,
        )
        pooled = torch.stack(
            [weighted_sums(of_bag, tokens.mask, embedded) for of_bag in attention.unbind(1)], dim=1
        )
        logits = self.first_classifier(pooled)
        losses = {}
        if labels is not None:
            losses["pseudo_bags"] = _mean_cross_entropy(logits, labels, there)
        if self.settings.distil == "afs":
            states, real, weights = pooled, there, attention
        else:
            hidden = padded(embedded, tokens.mask, fill=0.0)
            states, real, weights = self._ends(hidden, attention, own, logits)
        of_states, slide = self._second_tier(states.detach(), real)
        shown = (of_states[..., None] * weights).sum(dim=1).detach()
        return SlideOutput(self.classifier(slide), shown, slide, losses)

    def _members(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return which tokens are in which pseudo-bag, (B, G, N) bool; draws them in training."""
        keys = torch.rand_like(scores) if self.training else scores.detach()
        n_bags = mask.sum(dim=1, keepdim=True).clamp(max=self.settings.pseudo_bags)
        dealt = ranks(keys, mask) % n_bags
        number = torch.arange(self.settings.pseudo_bags, device=mask.device)
        return (dealt[:, None] == number[:, None]) & mask[:, None]

    def _ends(
        self, hidden: Tensor, attention: Tensor, own: Tensor, logits: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return states (B, S, H) of the ends of each ranking, which are real, and their tokens.

        Args:
            hidden: (B, N, H) h.
            attention: (B, G, N) a.
            own: (B, G, N) bool, members of the pseudo-bags.
            logits: (B, G, C) y.
        """
        of_token = functional.linear(hidden, self.first_classifier.weight)
        shares = (attention[..., None] * of_token[:, None]).softmax(dim=-1)
        predicted = logits.argmax(dim=-1)[..., None, None].expand(*own.shape, 1)
        key = shares.gather(3, predicted).squeeze(3)
        k = min(self.settings.instances, own.shape[2])
        ends = [(sign * key).masked_fill(~own, -torch.inf).topk(k).indices for sign in (1, -1)]
        chosen = torch.cat(ends, dim=2).flatten(start_dim=1)
        real = torch.arange(k, device=own.device) < own.sum(dim=2, keepdim=True)
        token = functional.one_hot(chosen, own.shape[2]).to(attention.dtype)
        return rows_at(hidden, chosen), real.repeat(1, 1, 2).flatten(start_dim=1), token

    def _second_tier(self, states: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention (B, S) over the real states, and what it pools, (B, H)."""
        attention = masked_softmax(self.second_scores(states).squeeze(-1), real)
        return attention, torch.einsum("bs,bsh->bh", attention, states.float())


def _mean_cross_entropy(logits: Tensor, labels: Tensor, there: Tensor) -> Tensor:
    """Return the mean over the bags of the mean cross-entropy of their pseudo-bags, (B, G, C)."""
    of_each = functional.cross_entropy(
        logits.float().transpose(1, 2), labels[:, None].expand(there.shape), reduction="none"
    )
    return ((of_each * there).sum(dim=1) / there.sum(dim=1)).mean()
