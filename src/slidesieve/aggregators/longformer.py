"""Vision Longformer on a slide's grid: attention within windows, and one global token."""

from __future__ import annotations

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import token_embedding
from slidesieve.aggregators.settings import Dropout, Width, heads_share
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.grid import to_grid
from slidesieve.nn.linear import Linear
from slidesieve.nn.windows import Windows, window_attention
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class LongformerSettings:
    """Settings of Longformer."""

    hidden_dim: Width = Field(default=192, description="Width of the states.")
    depth: Width = Field(default=4, description="Number of blocks.")
    heads: Width = Field(default=3, description="Attention heads; they share `hidden_dim`.")
    window: Width = Field(default=7, description="w, edge of a window in tiles.")
    dropout: Dropout = Field(default=0.1, description="Of h and inside the blocks, in training.")

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)


class Longformer(Aggregator):
    """Vision Longformer in one stage (Zhang et al. 2021, https://arxiv.org/abs/2103.15358).

    The grid is cut into windows of w × w tiles. A token attends to the tokens of its window and
    of the 8 around it, and to the global token; that one attends to all, by projections of its
    own. Pre-norm blocks, x ← x + Attention(LN(x)), x ← x + MLP(LN(x)); logits = W_c LN(x)_global.

    The authors' pyramid of four stages needs a full grid; tissue has holes, so this is one stage.
    Exact, O(N · 9 w²). The attention it reports is the global token's in the last block, mean of
    heads. Tokens of one place are averaged.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: LongformerSettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.window = settings.window
        self.embed = token_embedding(dim, width, settings.dropout)
        self.class_token = nn.Parameter(torch.randn(width) * 0.02)
        self.blocks = nn.ModuleList(
            _Block(width, settings.heads, settings.dropout) for _ in range(settings.depth - 1)
        )
        self.last = _LastBlock(width, settings.heads, settings.dropout)
        self.norm = nn.LayerNorm(width)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the global token of each bag; labels are not used."""
        grid = to_grid(tokens)
        windows = Windows.of(grid, self.window, len(tokens.mask))
        cells = grid.means(self.embed(tokens.features[tokens.mask]))
        own = self.class_token.to(cells.dtype).expand(len(tokens.mask), -1)
        for block in self.blocks:
            cells, own = block(cells, own, windows)
        own, weights = self.last(cells, own, windows)
        pooled = self.norm(own)
        return SlideOutput(self.classifier(pooled), grid.attention_of_tokens(weights), pooled)


class _Block(nn.Module):
    """A pre-norm block over the cells of all bags and their global tokens."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim)
        self.query, self.key_value = Linear(dim, dim), Linear(dim, 2 * dim)
        self.project = Linear(dim, dim)
        self.over_all = _GlobalAttention(dim, heads)
        self.mlp = _mlp(dim, dropout)

    def forward(self, cells: Tensor, own: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Update cells (M, D) and global tokens (B, D)."""
        normed, normed_own = self.norm(cells), self.norm(own)
        key, value = self.key_value(normed).chunk(2, dim=-1)
        own_key, own_value = self.key_value(normed_own).chunk(2, dim=-1)
        parts = self.query(normed), key, value, own_key, own_value
        query, *of_keys = (part.unflatten(-1, (self.heads, -1)) for part in parts)
        answers = window_attention(
            query, (of_keys[0], of_keys[1]), (of_keys[2], of_keys[3]), windows
        )
        cells = cells + self.project(answers.flatten(start_dim=1))
        own = own + self.over_all(normed, normed_own, windows)[0]
        return cells + self.mlp(cells), own + self.mlp(own)


class _LastBlock(nn.Module):
    """The last block: only the global tokens are looked at after it."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.over_all = _GlobalAttention(dim, heads)
        self.mlp = _mlp(dim, dropout)

    def forward(self, cells: Tensor, own: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Return the global tokens (B, D) and their attention to the cells (M,)."""
        answers, attention = self.over_all(self.norm(cells), self.norm(own), windows)
        own = own + answers
        return own + self.mlp(own), attention


class _GlobalAttention(nn.Module):
    """Attention of a bag's global token to all its cells and itself, by layers of its own."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key_value = Linear(dim, dim), Linear(dim, 2 * dim)
        self.project = Linear(dim, dim)

    def forward(self, cells: Tensor, own: Tensor, windows: Windows) -> tuple[Tensor, Tensor]:
        """Return the answers (B, D), and the attention to the cells (M,) without the own share."""
        query = self._heads(self.query(own))
        key, value = map(self._heads, self.key_value(cells).chunk(2, dim=-1))
        own_key, own_value = map(self._heads, self.key_value(own).chunk(2, dim=-1))
        scale = query.shape[-1] ** -0.5
        to_cells = (query[windows.bag] * key).sum(dim=-1).float() * scale
        to_own = (query * own_key).sum(dim=-1).float() * scale
        share, own_share = windows.softmax_of_bag(to_cells, to_own)
        answer = windows.sum_of_bag(share[..., None] * value.float())
        answer = (answer + own_share[..., None] * own_value.float()).flatten(start_dim=1)
        attention = share.detach().mean(dim=1)
        total = windows.sum_of_bag(attention)[windows.bag]
        return self.project(answer.to(own.dtype)), attention / total

    def _heads(self, states: Tensor) -> Tensor:
        return states.unflatten(-1, (self.heads, -1))


def _mlp(dim: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(dim),
        Linear(dim, 4 * dim),
        nn.GELU(),
        dropout_layer(dropout),
        Linear(4 * dim, dim),
        dropout_layer(dropout),
    )
