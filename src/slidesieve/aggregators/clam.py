"""CLAM: attention per class, and clusters of tokens told apart by the attention itself."""

from __future__ import annotations

import torch
from pydantic import Field, StrictBool, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import (
    masked_softmax,
    padded,
    real_tokens,
    token_embedding,
    weighted_sums,
)
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class CLAMSettings:
    """Settings of CLAM."""

    branches: StrictBool = Field(
        default=True,
        description="Whether each class has an attention branch of its own (CLAM-MB); false for "
        "one of all classes (CLAM-SB).",
    )
    hidden_dim: Width = Field(default=512, description="Width of h.")
    attention_dim: Width = Field(default=256, description="Width of V h and U h.")
    dropout: Dropout = Field(
        default=0.25, description="Of h and of both factors of the attention, in training."
    )
    k: Width = Field(
        default=8, description="Tokens of highest and of lowest attention that make the clusters."
    )
    instance_weight: StrictFloat = Field(
        default=0.3,
        ge=0,
        lt=1,
        description="Share of the instance loss beside the slide's; the loop gives the slide's "
        "weight 1, so the other has w / (1 − w).",
    )
    subtyping: StrictBool | None = Field(
        default=None,
        description="Whether the classes exclude each other, so that the other classes' attention "
        "must point at no evidence; null means with three classes or more. CLAM's authors set it "
        "for lung subtypes, too.",
    )


class CLAM(Aggregator):
    """CLAM-MB and CLAM-SB (Lu et al. 2021, https://doi.org/10.1038/s41551-020-00682-w).

    h_n = ReLU(W x_n + b);  e_cn = w_c · (tanh(V h_n) ⊙ σ(U h_n)) + c_c;  a_c = softmax(e_c)
    M_c = Σ_n a_cn h_n;  logit_c = u_c · M_c + b_c    (SB: one a and M for all classes)

    Instance loss of a slide of class y: the k tokens of highest a_y must be told to be evidence
    and the k of lowest to be none, by a classifier of two outputs on h; the mean of these
    cross-entropies. With `subtyping`, the k highest of every other class must be no evidence, and
    the sum is divided by the number of classes.

    A slide of n < k tokens has clusters of n; with n < 2k a token can lie in both clusters, as in
    the authors' code. The attention it reports is that of the predicted class.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape and losses.
    """

    def __init__(self, dim: int, n_classes: int, settings: CLAMSettings) -> None:
        super().__init__()
        chosen = settings
        self.settings = chosen
        self.n_classes = n_classes
        self.subtyping = n_classes > 2 if chosen.subtyping is None else chosen.subtyping
        n_branches = n_classes if chosen.branches else 1
        self.embed = token_embedding(dim, chosen.hidden_dim, chosen.dropout)
        self.content = nn.Sequential(Linear(chosen.hidden_dim, chosen.attention_dim), nn.Tanh())
        self.gate = nn.Sequential(Linear(chosen.hidden_dim, chosen.attention_dim), nn.Sigmoid())
        self.drop = dropout_layer(chosen.dropout, factors=2)
        self.score = nn.Linear(chosen.attention_dim, n_branches)
        # One row per class, on the class's own M (MB) or on the common one (SB).
        self.classifier = nn.Linear(chosen.hidden_dim, n_classes)
        self.evidence = nn.Linear(chosen.hidden_dim, 2 * n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify the attention-weighted means; labels are used for the instance loss."""
        embedded = self.embed(real_tokens(tokens))
        scores = self.score(self.drop(self.content(embedded) * self.gate(embedded)))
        attention = [
            masked_softmax(padded(branch, tokens.mask, fill=0.0), tokens.mask)
            for branch in scores.unbind(dim=1)
        ]
        pooled = [weighted_sums(branch, tokens.mask, embedded) for branch in attention]
        logits = self._logits(pooled)
        shown = logits.argmax(dim=1).clamp(max=len(attention) - 1)
        rows = torch.arange(len(shown), device=shown.device)
        losses = {}
        if labels is not None and self.settings.instance_weight > 0:
            weight = self.settings.instance_weight / (1 - self.settings.instance_weight)
            states = padded(embedded, tokens.mask, fill=0.0)
            loss = self._instance_loss(states, torch.stack(attention, 1), tokens.mask, labels)
            losses["instance"] = weight * loss
        return SlideOutput(
            logits,
            torch.stack(attention, dim=1)[rows, shown].detach(),
            torch.stack(pooled, dim=1)[rows, shown],
            losses,
        )

    def _logits(self, pooled: list[Tensor]) -> Tensor:
        if len(pooled) == 1:
            return self.classifier(pooled[0])
        logits = torch.stack(pooled, dim=1) * self.classifier.weight.to(pooled[0].dtype)
        return logits.sum(dim=-1) + self.classifier.bias

    def _instance_loss(
        self, states: Tensor, attention: Tensor, mask: Tensor, labels: Tensor
    ) -> Tensor:
        """Return the mean over the bags of their instance losses.

        Args:
            states: (B, N, H) h.
            attention: (B, branches, N).
            mask: (B, N) bool.
            labels: (B,) int64.
        """
        losses = states.new_zeros(len(states), dtype=torch.float32)
        for own_class in range(self.n_classes):
            branch = attention[:, own_class if attention.shape[1] > 1 else 0].detach()
            high = self._cluster_loss(states, branch, mask, own_class, is_evidence=True)
            low = self._cluster_loss(states, -branch, mask, own_class, is_evidence=False)
            loss = (high + low) / 2
            if self.subtyping:
                other = self._cluster_loss(states, branch, mask, own_class, is_evidence=False)
                loss = torch.where(labels == own_class, loss, other)
            else:
                loss = loss * (labels == own_class)
            losses = losses + loss
        return losses.mean() / (self.n_classes if self.subtyping else 1)

    def _cluster_loss(
        self, states: Tensor, order: Tensor, mask: Tensor, own_class: int, is_evidence: bool
    ) -> Tensor:
        """Return (B,) the mean cross-entropy of the k tokens that come first in an order."""
        k = min(self.settings.k, mask.shape[1])
        chosen = order.masked_fill(~mask, -torch.inf).topk(k, dim=1).indices
        there = torch.arange(k, device=mask.device) < mask.sum(dim=1, keepdim=True)
        found = states.gather(1, chosen[..., None].expand(-1, -1, states.shape[-1]))
        rows = slice(2 * own_class, 2 * own_class + 2)
        logits = functional.linear(found, self.evidence.weight[rows], self.evidence.bias[rows])
        log_share = logits.float().log_softmax(dim=-1)[..., int(is_evidence)]
        return -(log_share * there).sum(dim=1) / there.sum(dim=1)
