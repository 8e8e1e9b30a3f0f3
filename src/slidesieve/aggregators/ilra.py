"""ILRA: tokens exchange what they know by way of a few latent vectors."""

from __future__ import annotations

import torch
from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.settings import Width, heads_share
from slidesieve.nn.linear import Linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class ILRASettings:
    """Settings of ILRA; the defaults are those of the authors' code."""

    hidden_dim: Width = Field(default=256, description="Width of the states.")
    layers: Width = Field(default=2, description="Gated attention blocks.")
    heads: Width = Field(default=8, description="Attention heads; they share `hidden_dim` equally.")
    rank: Width = Field(default=1, description="Latent vectors of a block.")
    norm: StrictBool = Field(default=True, description="Whether layers are normed.")

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)


class ILRA(Aggregator):
    """ILRA-MIL (Xiang, Zhang 2023, https://openreview.net/forum?id=01KmhBsEPFO).

    Att(Q, K): Q' = W_q Q, K' = W_k K, V' = W_v K;  O = LN(Q' + MHA(Q', K', V'));
    O ← LN(O + ReLU(W_o O));  gated: O ⊙ SiLU(W_g Q)
    Block, with r learnt latents L:  H = Att_gated(L, X);  X ← Att_gated(X, H)
    After the blocks one learnt seed S pools:  z = Att(S, X);  logits = C z + b

    The cost is linear in the number of tokens. The attention it reports is the seed's, the mean of
    its heads. Of the paper this is the aggregator; its contrastive pretraining of the encoder is
    not part of it.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: ILRASettings) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            _Block(dim if layer == 0 else settings.hidden_dim, settings)
            for layer in range(settings.layers)
        )
        self.seed = nn.Parameter(_xavier(1, settings.hidden_dim))
        self.pool = _Attention(settings.hidden_dim, settings.hidden_dim, settings, gated=False)
        self.classifier = nn.Linear(settings.hidden_dim, n_classes)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_normal_(layer.weight)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the pooled state; labels are not used."""
        states = tokens.features
        for block in self.blocks:
            states = block(states, tokens.mask)
        seed = self.seed.expand(len(states), -1, -1)
        pooled, attention = self.pool(seed, states, tokens.mask)
        pooled, attention = pooled[:, 0], attention[:, 0].float().detach()
        return SlideOutput(self.classifier(pooled), attention, pooled)


class _Block(nn.Module):
    """All tokens to the latents, and back."""

    def __init__(self, dim: int, settings: ILRASettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.latents = nn.Parameter(_xavier(settings.rank, width))
        self.gather = _Attention(width, dim, settings, gated=True)
        self.spread = _Attention(dim, width, settings, gated=True)

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        latents = self.latents.expand(len(states), -1, -1)
        gathered, _ = self.gather(latents, states, mask)
        spread, _ = self.spread(states, gathered, mask.new_ones(gathered.shape[:2]))
        return spread


class _Attention(nn.Module):
    """Att of the class's docstring.

    Args:
        query_dim: Width of Q.
        key_dim: Width of K.
        settings: Its shape.
        gated: Whether the answer is gated by Q.
    """

    def __init__(self, query_dim: int, key_dim: int, settings: ILRASettings, gated: bool) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.query, self.key, self.value = (
            Linear(of, width) for of in (query_dim, key_dim, key_dim)
        )
        self.attend = nn.MultiheadAttention(width, settings.heads, batch_first=True)
        self.after = Linear(width, width)
        self.norms = nn.ModuleList(
            nn.LayerNorm(width) if settings.norm else nn.Identity() for _ in range(2)
        )
        self.gate = nn.Sequential(Linear(query_dim, width), nn.SiLU()) if gated else None

    def forward(self, queries: Tensor, keys: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return answers (B, Q, H) and attention (B, Q, K), mean of the heads."""
        asked = self.query(queries)
        answers, attention = self.attend(
            asked, self.key(keys), self.value(keys), key_padding_mask=~mask
        )
        answers = self.norms[0](asked + answers)
        answers = self.norms[1](answers + functional.relu(self.after(answers)))
        if self.gate is not None:
            answers = answers * self.gate(queries)
        return answers, attention


def _xavier(rows: int, width: int) -> Tensor:
    # As the authors have it: their latents are (1, rows, width), of which torch takes the fans.
    return nn.init.xavier_uniform_(torch.empty(1, rows, width))
