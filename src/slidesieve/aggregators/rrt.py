"""RRT-MIL: tokens are embedded anew within regions, then across them, before an attention pool."""

from __future__ import annotations

from math import isqrt, sqrt

import torch
from pydantic import Field, StrictBool, StrictInt
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import masked_softmax, token_embedding
from slidesieve.aggregators.settings import Dropout, Width, heads_share
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

# Numbers of attention that are held at once: regions beyond come after one another.
_MOST_NUMBERS = 2**26


@dataclass(frozen=True, config=STRICT)
class RRTSettings:
    """Settings of RRT-MIL; the defaults are those of the authors' code."""

    hidden_dim: Width = Field(default=512, description="Width of the states.")
    heads: Width = Field(default=8, description="Heads within regions.")
    cross_heads: Width = Field(default=8, description="Heads across regions.")
    regions: Width = Field(default=8, description="Regions along a side of the square.")
    kernel: StrictInt = Field(
        default=15, ge=1, description="Length of the positional convolution; odd."
    )
    representatives: Width = Field(
        default=3, description="Vectors of a region that see those of other regions."
    )
    attention_dim: Width = Field(default=128, description="Width of V h in the pool.")
    shortcut: StrictBool = Field(
        default=False, description="Whether the embedding is added after the two layers."
    )
    dropout: Dropout = Field(default=0.25, description="Of h, in training.")
    layer_dropout: Dropout = Field(default=0.1, description="Of the layers' answers, in training.")

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)
        heads_share(self.hidden_dim, self.cross_heads)
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel} is not odd")


class RRT(Aggregator):
    """RRT-MIL (Tang et al. 2024, https://arxiv.org/abs/2402.17228).

    h = Dropout(ReLU(W x + b)), laid out row by row as the smallest square that holds the bag and
    that L × L regions divide; free places are 0 behind the layer norms.
    Within regions: h ← h + MHA(LN(h)), whose logits are QKᵀ/√d + conv(QKᵀ/√d), a convolution per
    head along the queries. Across: per region, with x = LN(h), logits l = x Φ of k vectors;
    r_j = Σ_p softmax_p(l_j) x_p;  r ← MHA over the regions;
    h_p ← h_p + Σ_j softmax_j(l_jp) · minmax_p(l_jp) · r_j
    h ← LN(h);  a = softmax(w · tanh(V h));  z = Σ a h;  logits = C z + b

    The order of the tokens is their place, as in TransMIL: the square holds a list, not a slide.
    Slides are laid out one by one, so padding and company change nothing.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: RRTSettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.regions, self.shortcut = settings.regions, settings.shortcut
        self.embed = token_embedding(dim, width, settings.dropout)
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.within = _Attention(width, settings.heads, settings.layer_dropout, settings.kernel)
        self.across = _Attention(width, settings.cross_heads, settings.layer_dropout)
        self.phi = nn.Parameter(torch.empty(width, settings.representatives))
        nn.init.kaiming_uniform_(self.phi, a=sqrt(5))
        self.norm = nn.LayerNorm(width)
        self.content = nn.Sequential(Linear(width, settings.attention_dim, bias=False), nn.Tanh())
        self.score = nn.Linear(settings.attention_dim, 1, bias=False)
        self.classifier = nn.Linear(width, n_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the pooled state; labels are not used."""
        embedded = self.embed(tokens.features)
        attention = torch.zeros(tokens.mask.shape, device=embedded.device)
        pooled = []
        for i, n_tokens in enumerate(tokens.lengths.tolist()):
            states = self.re_embed(embedded[i, :n_tokens])
            scores = self.score(self.content(states)).squeeze(-1)[None]
            weights = masked_softmax(scores, torch.ones_like(scores, dtype=torch.bool))
            attention[i, :n_tokens] = weights[0].detach()
            pooled.append((weights @ states.float())[0])
        slide = torch.stack(pooled)
        return SlideOutput(self.classifier(slide), attention, slide)

    def re_embed(self, states: Tensor) -> Tensor:
        """Return the states of one bag embedded anew, (N, H) to (N, H)."""
        square = _Square(len(states), self.regions)
        found = states + square.as_list(self.within(square.as_regions(self.first_norm(states))))
        found = found + square.as_list(self._cross(square.as_regions(self.second_norm(found))))
        return self.norm(found + states if self.shortcut else found)

    def _cross(self, regions: Tensor) -> Tensor:
        """Let regions see one another by their representatives, (R, P, H) to (R, P, H)."""
        logits = (regions @ self.phi).transpose(1, 2)
        gathered = (logits.softmax(dim=2) @ regions).transpose(0, 1)
        answers = self.across(gathered).transpose(0, 1)
        least, most = logits.amin(dim=2, keepdim=True), logits.amax(dim=2, keepdim=True)
        scaled = (logits - least) / (most - least + 1e-8)
        return (logits.softmax(dim=1) * scaled).transpose(1, 2) @ answers


class _Square:
    """A list of N states as the regions of a square.

    Args:
        n_tokens: N.
        regions: Regions along a side.
    """

    def __init__(self, n_tokens: int, regions: int) -> None:
        side = isqrt(n_tokens - 1) + 1
        self._n_tokens, self._regions = n_tokens, regions
        self._side = -(-side // regions)

    def as_regions(self, states: Tensor) -> Tensor:
        """Return (N, H) states as (L · L, places, H), free places 0."""
        free = (self._regions * self._side) ** 2 - self._n_tokens
        filled_up = torch.cat([states, states.new_zeros(free, states.shape[1])])
        cells = filled_up.unflatten(0, (self._regions, self._side, self._regions, self._side))
        return cells.transpose(1, 2).flatten(2, 3).flatten(0, 1)

    def as_list(self, regions: Tensor) -> Tensor:
        """Undo `as_regions`."""
        cells = regions.unflatten(1, (self._side, self._side))
        cells = cells.unflatten(0, (self._regions, self._regions)).transpose(1, 2)
        return cells.flatten(0, 3)[: self._n_tokens]


class _Attention(nn.Module):
    """Multi-head attention, with a positional convolution of its logits if it has a kernel.

    Args:
        dim: Width of the states.
        heads: Their number.
        dropout: Of the answers.
        kernel: Length of the convolution along the queries, or None.
    """

    def __init__(self, dim: int, heads: int, dropout: float, kernel: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.query_key_value = Linear(dim, 3 * dim)
        self.position = None
        if kernel is not None:
            self.position = nn.Conv2d(
                heads, heads, (kernel, 1), padding=(kernel // 2, 0), groups=heads
            )
        self.project = nn.Sequential(Linear(dim, dim), dropout_layer(dropout))

    def forward(self, groups: Tensor) -> Tensor:
        """Let the states of each group see one another, (G, P, H) to (G, P, H)."""
        per_group = self.heads * groups.shape[1] ** 2
        at_once = max(1, _MOST_NUMBERS // per_group)
        return torch.cat([self._attend(some) for some in groups.split(at_once)])

    def _attend(self, groups: Tensor) -> Tensor:
        parts = self.query_key_value(groups).unflatten(-1, (3, self.heads, -1))
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        logits = query * query.shape[-1] ** -0.5 @ key.transpose(2, 3)
        if self.position is not None:
            logits = logits + self.position(logits)
        answers = logits.softmax(dim=-1) @ value
        return self.project(answers.transpose(1, 2).flatten(2))
