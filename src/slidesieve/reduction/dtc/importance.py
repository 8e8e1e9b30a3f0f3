"""The importance network g_φ and the importance α of the tokens of a slide."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from slidesieve.nn.linear import Linear

# Tokens scored at once: as many hidden states as a cache holds.
_BLOCK = 2048


class ImportanceNetwork(nn.Module):
    """s = g_φ(h), a two-layer MLP with GELU (Eq. 2).

    The last layer has no bias: the softmax that follows would cancel it.

    Args:
        dim: Width D of the tokens.
        hidden_dim: Width of the hidden layer.
    """

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            Linear(dim, hidden_dim), nn.GELU(), nn.Linear(hidden_dim, 1, bias=False)
        )

    def forward(self, features: Tensor) -> Tensor:
        """Score tokens, (…, D) to (…), in float32 or better."""
        return self.score(self.hidden(features))

    def hidden(self, features: Tensor) -> Tensor:
        """Return what enters the GELU, (…, D) to (…, H).

        It is affine in the token: that of a weighted mean is the weighted mean.
        """
        hidden: Tensor = self.layers[0](features.to(next(self.parameters()).dtype))
        return hidden

    def score(self, hidden: Tensor) -> Tensor:
        """Score tokens by what enters the GELU, (…, H) to (…), in float32 or better."""
        rows = hidden.reshape(-1, hidden.shape[-1])
        scores = torch.cat([self.layers[1:](block) for block in rows.split(_BLOCK)])
        scores = scores.view(hidden.shape[:-1])
        return scores.to(torch.promote_types(scores.dtype, torch.float32))


def relative_importance(log_importance: Tensor) -> Tensor:
    """Return α over its mean on the slide: 1 for every token when all matter alike; 0 in padding.

    Args:
        log_importance: (B, N) log α, −inf in padding; α need not sum to 1.
    """
    n_tokens = log_importance.isfinite().sum(dim=1, keepdim=True)
    return log_importance.softmax(dim=1) * n_tokens
