"""PANTHER: a slide as a mixture of Gaussians around prototypes of the training slides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from pydantic import Field, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.settings import Width
from slidesieve.errors import SlideSieveError
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

_KMEANS_STARTS = 3


@dataclass(frozen=True, config=STRICT)
class PANTHERSettings:
    """Settings of PANTHER."""

    prototypes: Width = Field(default=16, description="p, number of prototypes.")
    prototype_tokens: Width = Field(
        default=100_000,
        description="Most training tokens that k-means looks at, equally many of each slide.",
    )
    iterations: Width = Field(default=1, description="Steps of expectation and maximisation.")
    prior_weight: StrictFloat = Field(default=1.0, gt=0, description="τ, weight of the priors.")
    prior_variance: StrictFloat = Field(
        default=1.0, gt=0, description="ε; 1 is the variance of standardised features."
    )


class PANTHER(Aggregator):
    """PANTHER (Song et al. 2024, https://arxiv.org/abs/2405.11643).

    Prototypes m_s are k-means centres of training tokens. From π = 1/p, μ = m, Σ = ε:
    q_ns ∝ π_s N(x_n; μ_s, diag Σ_s);  w_s = Σ_n q_ns + τ;  π_s = w_s / Σ w
    μ_s = (Σ_n q x + τ m_s) / w_s;  Σ_s = [Σ_n q (x − μ_s)² + τ (ε + (m_s − μ_s)²)] / w_s
    z = [π, μ, Σ] ∈ R^{p + 2pD};  logits = W z + b

    Σ is the authors' (Σ q x² + τ (ε + m²)) / w − μ² without the difference, and so never negative.
    Merged tokens count as many times as they hold tiles. Unlike the authors' code, k-means sees
    tokens drawn at random from each slide, not its first rows.

    The attention it reports shares a prototype's contribution to the predicted class (less its
    mean over classes, cut off at 0) among the tokens by q.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: The mixture.
    """

    prototypes: Tensor

    def __init__(self, dim: int, n_classes: int, settings: PANTHERSettings) -> None:
        super().__init__()
        self.settings = settings
        self.register_buffer("prototypes", torch.zeros(settings.prototypes, dim))
        self.classifier = nn.Linear(settings.prototypes * (1 + 2 * dim), n_classes)

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Find the prototypes.

        Raises:
            SlideSieveError: The training slides hold fewer tokens than there are prototypes.
        """
        from sklearn.cluster import KMeans  # slow to import, and training alone needs it

        share = max(1, self.settings.prototype_tokens // len(bags))
        rows = [_drawn_rows(bag, share).float().cpu() for bag in bags]
        tokens = np.concatenate([part.numpy() for part in rows])
        if len(tokens) < self.settings.prototypes:
            raise SlideSieveError(
                f"panther: {len(tokens)} training tokens are too few for "
                f"{self.settings.prototypes} prototypes; lower `prototypes`"
            )
        seed = int(torch.randint(2**31, ()))
        found = KMeans(self.settings.prototypes, n_init=_KMEANS_STARTS, random_state=seed)
        self.prototypes.copy_(torch.from_numpy(found.fit(tokens).cluster_centers_))

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify the mixture of each bag; labels are not used."""
        with torch.autocast(tokens.features.device.type, enabled=False):
            share, pi, mean, variance = self.mixture(tokens)
            parts = pi, mean.flatten(1), variance.flatten(1)
            pooled = torch.cat(parts, dim=1)
            logits = self.classifier(pooled)
            attention = self._attention(tokens, share, (pi, mean, variance), logits)
        return SlideOutput(logits, attention, pooled)

    def mixture(self, tokens: TokenBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Fit a mixture to each bag.

        Returns:
            q (B, N, p) with 0 in padding, π (B, p), μ (B, p, D) and Σ (B, p, D).
        """
        x = tokens.features.float()
        weight = (tokens.size * tokens.mask).float()
        prior, chosen = self.prototypes, self.settings
        pi = x.new_full((len(x), len(prior)), 1 / len(prior))
        mean = prior.expand(len(x), -1, -1)
        variance = torch.full_like(mean, chosen.prior_variance)
        share = x.new_zeros(*x.shape[:2], len(prior))
        for _ in range(chosen.iterations):
            share = _responsibilities(x, pi, mean, variance) * tokens.mask[..., None]
            counted = share * weight[..., None]
            total = counted.sum(dim=1) + chosen.prior_weight
            pi = total / total.sum(dim=1, keepdim=True)
            mean = counted.transpose(1, 2) @ x + chosen.prior_weight * prior
            mean = mean / total[..., None]
            spread = chosen.prior_variance + (prior - mean).square()
            squares = _squares(x, mean, counted) + chosen.prior_weight * spread
            variance = squares / total[..., None]
        return share, pi, mean, variance

    @torch.no_grad()
    def _attention(
        self,
        tokens: TokenBatch,
        share: Tensor,
        mixture: tuple[Tensor, Tensor, Tensor],
        logits: Tensor,
    ) -> Tensor:
        pi, mean, variance = mixture
        n_prototypes, dim = self.prototypes.shape
        weights = self.classifier.weight
        of_pi, of_mean, of_variance = weights.split(
            [n_prototypes, n_prototypes * dim, n_prototypes * dim], dim=1
        )
        shape = (-1, n_prototypes, dim)
        contribution = (
            of_pi[None] * pi[:, None]
            + torch.einsum("cpd,bpd->bcp", of_mean.view(shape), mean)
            + torch.einsum("cpd,bpd->bcp", of_variance.view(shape), variance)
        )
        contribution = contribution - contribution.mean(dim=1, keepdim=True)
        rows = torch.arange(len(logits), device=logits.device)
        counts = contribution[rows, logits.argmax(dim=1)].clamp(min=0)
        counts = torch.where(counts.sum(dim=1, keepdim=True) > 0, counts, pi)
        # A prototype that no token is near has nothing to share.
        of_token = share / share.sum(dim=1, keepdim=True).clamp(min=1e-30)
        attention = (of_token * counts[:, None]).sum(dim=2)
        attention = attention + torch.finfo(attention.dtype).tiny * tokens.mask
        return attention / attention.sum(dim=1, keepdim=True)


def _drawn_rows(bag: TokenBatch, most: int) -> Tensor:
    """Return at most so many tokens of a bag, drawn by the tiles they stand for."""
    features = bag.features[bag.mask]
    if len(features) <= most:
        return features
    drawn = torch.multinomial(bag.size[bag.mask].float().cpu(), most)
    return features[drawn.to(features.device)]


def _responsibilities(x: Tensor, pi: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Return q (B, N, p); prototype by prototype, so that no (B, N, p, D) is ever held."""
    logits = [
        pi[:, s, None].log()
        - ((x - mean[:, None, s]).square() / variance[:, None, s]).sum(dim=-1) / 2
        - variance[:, s].log().sum(dim=-1, keepdim=True) / 2
        for s in range(pi.shape[1])
    ]
    return torch.stack(logits, dim=-1).softmax(dim=-1)


def _squares(x: Tensor, mean: Tensor, counted: Tensor) -> Tensor:
    """Return Σ_n q (x − μ)², (B, p, D)."""
    sums = [
        (counted[:, :, s, None] * (x - mean[:, None, s]).square()).sum(dim=1)
        for s in range(mean.shape[1])
    ]
    return torch.stack(sums, dim=1)
