"""SPT: a slide transformer trained on pairs of small views of a slide."""

from __future__ import annotations

from typing import cast

import torch
from pydantic import Field, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.settings import Width, heads_share
from slidesieve.aggregators.spt_views import draw_views
from slidesieve.nn.grid import places
from slidesieve.nn.rows import rows_at, zero_padding
from slidesieve.nn.transformer_block import TransformerBlock, attention_bias
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

_PREFIXES = 8
_FREQUENCIES = 48
_POSITION_DIM = 36


@dataclass(frozen=True, config=STRICT)
class SPTSettings:
    """Settings of SPT."""

    hidden_dim: Width = Field(default=512, description="Width of the states.")
    depth: Width = Field(default=2, description="Number of blocks.")
    heads: Width = Field(default=4, description="Attention heads; they share `hidden_dim`.")
    contrast_dim: Width = Field(default=128, description="Width of what is contrasted.")
    contrast_weight: StrictFloat = Field(default=1.0, ge=0, description="λ.")
    temperature: StrictFloat = Field(default=0.07, gt=0, description="τ of the contrast.")

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)


class SPT(Aggregator):
    """SPT, supervised contrastive (Hou et al. 2024, https://arxiv.org/abs/2402.06188).

    Tokens and 8 learnt prefixes go through pre-norm transformer blocks; a token's position is
    learnt Fourier features of its row and column; z = LN(x)_prefix 0; logits = W z + b.

    Training looks at two views of each slide, see `spt_views`. Its loss is the cross-entropy of
    both views plus twice λ times the supervised contrast of the 2B views of a pass,
    −mean_i mean_{p of i's class} log exp(g_i·g_p/τ) / Σ_{a≠i} exp(g_i·g_a/τ), with g a two-layer
    head on z, normalised: twice the mean of two cross-entropies plus λ times the contrast. Use
    looks at the whole slide in one pass, O(N²) in time. Slides of a step that are computed in
    several passes are not contrasted across them; views are small, so a larger
    `training.token_budget` avoids it.

    The attention it reports is that of prefix 0 in the last block, mean of heads.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape and losses.
    """

    training_parts = ("contrast",)

    def __init__(self, dim: int, n_classes: int, settings: SPTSettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.settings = settings
        self.embed = nn.Identity() if dim == width else nn.Linear(dim, width)
        self.prefixes = nn.Parameter(torch.randn(_PREFIXES, width) * 0.02)
        self.prefix_positions = nn.Parameter(torch.zeros(_PREFIXES, width))
        self.position = FourierPosition(width)
        self.blocks = nn.ModuleList(
            TransformerBlock(width, settings.heads, 4 * width, dropout=0.0, qkv_bias=False)
            for _ in range(settings.depth)
        )
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, n_classes)
        self.contrast = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), nn.Linear(width, settings.contrast_dim)
        )

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify whole slides, or with labels, in training, two views of each."""
        place = places(tokens)
        if labels is None:
            pooled, attention = self.encode(tokens.features, place, tokens.mask)
            return SlideOutput(self.classifier(pooled), attention, pooled)
        index, mask = draw_views(place, tokens.mask)
        twice = torch.cat([torch.arange(len(place), device=place.device)] * 2)
        features = zero_padding(rows_at(tokens.features[twice], index), mask)
        pooled, attention = self.encode(features, rows_at(place[twice], index), mask)
        logits = self.classifier(pooled)
        first, second = logits.chunk(2)
        losses = {"second_view": functional.cross_entropy(second.float(), labels)}
        if self.settings.contrast_weight > 0:
            views = functional.normalize(self.contrast(pooled).float(), dim=1)
            loss = supervised_contrast(views, labels.repeat(2), self.settings.temperature)
            losses["contrast"] = 2 * self.settings.contrast_weight * loss
        seen = torch.zeros(tokens.mask.shape, device=attention.device)
        n_bags = len(place)
        seen = seen.scatter_add(1, index[:n_bags], attention[:n_bags])
        return SlideOutput(first, seen, pooled[:n_bags], losses)

    def encode(self, features: Tensor, place: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return z (B, E) and the attention to the tokens (B, N)."""
        states = self.embed(features)
        states = states + self.position(place).to(states.dtype)
        own = (self.prefixes + self.prefix_positions).to(states.dtype)
        states = torch.cat([own.expand(len(states), -1, -1), states], dim=1)
        bias = None if mask.all() else attention_bias(mask, states.dtype, _PREFIXES)
        for block in self.blocks[:-1]:
            states = block(states, bias)
        last = cast(TransformerBlock, self.blocks[-1])
        pooled, attention = last.answer_first(states, bias)
        of_tokens = attention[:, _PREFIXES:]
        return self.norm(pooled), of_tokens / of_tokens.sum(dim=1, keepdim=True)


class FourierPosition(nn.Module):
    """[cos(W p), sin(W p)] / √(2F) of a place p = (row, column), through a small network.

    Args:
        dim: Width of the code.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.randn(_FREQUENCIES, 2) * 0.25)
        n_waves = 2 * _FREQUENCIES
        self.layers = nn.Sequential(
            nn.LayerNorm(n_waves),
            nn.Linear(n_waves, _POSITION_DIM),
            nn.GELU(),
            nn.LayerNorm(_POSITION_DIM),
            nn.Linear(_POSITION_DIM, dim),
        )

    def forward(self, place: Tensor) -> Tensor:
        """Return the codes of places (…, 2), column and row, (…, dim)."""
        with torch.autocast(place.device.type, enabled=False):
            phase = place.flip(-1).to(self.frequencies.dtype) @ self.frequencies.T
            waves = torch.cat([phase.cos(), phase.sin()], dim=-1) * (2 * _FREQUENCIES) ** -0.5
            code: Tensor = self.layers(waves)
        return code


def supervised_contrast(views: Tensor, labels: Tensor, temperature: float) -> Tensor:
    """Return the supervised contrastive loss of Khosla et al. 2020 (their L_out).

    Args:
        views: (V, D), normalised; at least two of each label.
        labels: (V,).
        temperature: τ.
    """
    logits = views @ views.T / temperature
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    log_share = logits.masked_fill(itself, -torch.inf).log_softmax(dim=1)
    positive = (labels[:, None] == labels) & ~itself
    mean = log_share.masked_fill(~positive, 0).sum(dim=1) / positive.sum(dim=1)
    return -mean.mean()
