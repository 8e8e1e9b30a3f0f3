"""ACMIL: several attention branches that must differ, and that lose tokens they lean on."""

from __future__ import annotations

from itertools import combinations

import torch
from pydantic import Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.gated_scores import GatedScores
from slidesieve.aggregators.layers import masked_softmax, padded, real_tokens, weighted_sums
from slidesieve.aggregators.settings import Width
from slidesieve.nn.linear import Linear
from slidesieve.nn.rows import ranks
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class ACMILSettings:
    """Settings of ACMIL; the defaults are those of the paper's runs."""

    branches: Width = Field(default=5, description="Attention branches.")
    masked_tokens: StrictInt = Field(
        default=10, ge=0, description="Tokens of most attention of which a branch may lose some."
    )
    masked_share: StrictFloat = Field(
        default=0.6,
        ge=0,
        lt=1,
        description="Share of those that is masked in training, drawn anew in every step; the "
        "authors found 0 steadier at times.",
    )
    hidden_dim: Width = Field(default=512, description="Width of h.")
    attention_dim: Width = Field(default=128, description="Width of V h and U h.")


class ACMIL(Aggregator):
    """ACMIL with gated attention (Zhang et al. 2024, https://arxiv.org/abs/2311.07125).

    h_n = ReLU(W x_n);  e_kn = w_k · (tanh(V h_n) ⊙ σ(U h_n)) + c_k;  a_k = softmax(e_k)
    Branch k: z_k = Σ_n a_kn h_n, logits C_k z_k + b_k. Slide: a = mean_k a_k, z = Σ_n a_n h_n,
    logits C z + b.

    In training each branch masks ⌊s · m⌋ of its m tokens of most attention, drawn at random.
    Added losses: the mean cross-entropy of the branches, and the mean cosine between the a_k of
    two branches. The slide's logits are its own alone.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape and masks.
    """

    training_parts = ("branch_classifiers",)

    def __init__(self, dim: int, n_classes: int, settings: ACMILSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embed = nn.Sequential(Linear(dim, settings.hidden_dim, bias=False), nn.ReLU())
        self.scores = GatedScores(
            settings.hidden_dim, settings.attention_dim, heads=settings.branches
        )
        self.branch_classifiers = nn.ModuleList(
            nn.Linear(settings.hidden_dim, n_classes) for _ in range(settings.branches)
        )
        self.classifier = nn.Linear(settings.hidden_dim, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the mean of the branches' attention; labels are used for their losses."""
        embedded = self.embed(real_tokens(tokens))
        branches = []
        for of_branch in self.scores(embedded).unbind(dim=1):
            scores = padded(of_branch, tokens.mask, fill=0.0)
            shown = self._shown(scores, tokens.mask) if self.training else tokens.mask
            branches.append(masked_softmax(scores, shown))
        attention = torch.stack(branches).mean(dim=0)
        pooled = weighted_sums(attention, tokens.mask, embedded)
        losses = {}
        if labels is not None and len(branches) > 1:
            losses = {
                "branches": self._branch_loss(branches, tokens.mask, embedded, labels),
                "likeness": _likeness(branches),
            }
        return SlideOutput(self.classifier(pooled), attention.detach(), pooled, losses)

    def _shown(self, scores: Tensor, mask: Tensor) -> Tensor:
        """Return the tokens that a branch sees, (B, N) bool; draws which it loses."""
        lengths = mask.sum(dim=1, keepdim=True)
        most = lengths.clamp(max=self.settings.masked_tokens)
        candidates = mask & (ranks(scores.detach(), mask) < most)
        drawn = ranks(torch.rand_like(scores), candidates)
        # A product such as 0.6 * 5 must not be rounded down to 2.
        n_lost = (most.double() * self.settings.masked_share + 1e-9).floor().long()
        return mask & ~(candidates & (drawn < n_lost))

    def _branch_loss(
        self, branches: list[Tensor], mask: Tensor, embedded: Tensor, labels: Tensor
    ) -> Tensor:
        losses = [
            functional.cross_entropy(head(weighted_sums(a, mask, embedded)).float(), labels)
            for a, head in zip(branches, self.branch_classifiers, strict=True)
        ]
        return torch.stack(losses).mean()


def _likeness(branches: list[Tensor]) -> Tensor:
    """Return the mean cosine between the attention (B, N) of every two branches."""
    cosines = [
        functional.cosine_similarity(first, second, dim=1).mean()
        for first, second in combinations(branches, 2)
    ]
    return torch.stack(cosines).mean()
