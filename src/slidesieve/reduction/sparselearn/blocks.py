"""Pre-norm transformer blocks whose attention can be exchanged."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from slidesieve.nn.linear import Linear

_EXPANSION = 4


class Block(nn.Module):
    """y = x + A(LN(x)); z = y + W₂ GELU(W₁ LN(y)).

    Args:
        dim: Width of the tokens.
        attention: A(x, mask) of the same shape as x (B, N, dim).
    """

    def __init__(self, dim: int, attention: MultiHeadAttention | OwnTokenAttention) -> None:
        super().__init__()
        self.norm_attention = nn.LayerNorm(dim)
        self.attention = attention
        self.norm_feed_forward = nn.LayerNorm(dim)
        self.feed_forward = nn.Sequential(
            Linear(dim, _EXPANSION * dim), nn.GELU(), Linear(_EXPANSION * dim, dim)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform x (B, N, dim), of which mask (B, N) is True where a token is real."""
        x = x + self.attention(self.norm_attention(x), mask)
        return x + self.feed_forward(self.norm_feed_forward(x))

    def start_as_identity(self) -> None:
        """Set the last layers of both branches to zero."""
        for layer in (self.attention.output, self.feed_forward[-1]):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)


class MultiHeadAttention(nn.Module):
    """Projections to queries, keys and values and back, of attention with several heads.

    The width need not be a multiple of the heads: each gets ⌊dim / heads⌋ channels, at least 1.

    Args:
        dim: Width of the tokens.
        heads: Number of heads.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.head_dim = max(1, dim // heads)
        self.input = Linear(dim, 3 * heads * self.head_dim)
        self.output = Linear(heads * self.head_dim, dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Let the tokens x (B, N, dim) attend to each other."""
        split = self.input(x).unflatten(-1, (3, self.heads, self.head_dim))
        queries, keys, values = split.permute(2, 0, 3, 1, 4)
        mixed = self.attend(queries, keys, values, mask)
        return self.output(mixed.transpose(1, 2).flatten(2))

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Mix the values; everything (B, heads, N, head_dim), mask (B, N)."""
        raise NotImplementedError


class GlobalAttention(MultiHeadAttention):
    """Every token attends to every real token of its bag; O(N²) time, O(N) memory."""

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Mix the values by softmax(q kᵀ / √head_dim)."""
        return functional.scaled_dot_product_attention(
            queries, keys, values, attn_mask=mask[:, None, None, :]
        )


class OwnTokenAttention(nn.Module):
    """Attention in which every token sees itself only: W_o (W_v x + b_v) + b_o.

    The softmax over one key is 1 whatever queries and keys are, so they need not exist and no
    information passes between tokens. O(N).

    Args:
        dim: Width of the tokens.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.value = Linear(dim, dim)
        self.output = Linear(dim, dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Transform each token of x (B, N, dim) by itself."""
        return self.output(self.value(x))
