"""A transformer block with exact attention, in parts small enough for the memory of a CPU."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.linear import Linear, linear

# States updated at once: as many as a cache holds.
_BLOCK = 2048
# Most numbers of the queries that are held at once, unless those of one head are more.
_NUMBERS = 2**20


def attention_bias(
    mask: Tensor, dtype: torch.dtype, n_before: int, added: Tensor | None = None
) -> Tensor:
    """Return what a block adds to the logits of keys, (B, 1, 1, n_before + N): −inf in padding.

    Args:
        mask: (B, N) bool, True where a token is real.
        dtype: Of the states.
        n_before: States before the tokens, such as a class token; they get 0.
        added: (B, N) for the real tokens; 0 by default.
    """
    bias = torch.zeros(mask.shape, device=mask.device) if added is None else added
    bias = bias.to(dtype).masked_fill(~mask, -torch.inf)
    return functional.pad(bias, (n_before, 0))[:, None, None]


class TransformerBlock(nn.Module):
    """x ← x + Attention(LN(x)); x ← x + MLP(LN(x)), with exact attention of any length.

    Args:
        dim: Width of the states.
        heads: Attention heads; they share `dim` equally.
        mlp_dim: Hidden width of the MLP.
        dropout: Of the attention's output and inside the MLP, in training.
        qkv_bias: Whether queries, keys and values have biases.
        norm_eps: ε of the layer norms.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        mlp_dim: int,
        dropout: float,
        qkv_bias: bool = True,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(dim, eps=norm_eps)
        self.query = Linear(dim, dim, bias=qkv_bias)
        self.key_value = Linear(dim, 2 * dim, bias=qkv_bias)
        self.project = nn.Sequential(Linear(dim, dim), dropout_layer(dropout))
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim, eps=norm_eps),
            Linear(dim, mlp_dim),
            nn.GELU(),
            dropout_layer(dropout),
            Linear(mlp_dim, dim),
            dropout_layer(dropout),
        )

    def forward(self, states: Tensor, bias: Tensor | None) -> Tensor:
        """Update all states, (B, N, D)."""
        answers = self._attend(states, bias)
        # What follows acts on each state alone: in blocks, hardly anything of it is ever held. No
        # name may be left that holds a block, or all answers live on while the states are joined.
        updated = [
            self._update(*block)
            for block in zip(states.split(_BLOCK, dim=1), answers.split(_BLOCK, dim=1), strict=True)
        ]
        del answers
        return torch.cat(updated, dim=1)

    def _update(self, states: Tensor, answers: Tensor) -> Tensor:
        states = states + self.project(answers)
        return states + self.mlp(states)

    def _attend(self, states: Tensor, bias: Tensor | None) -> Tensor:
        """Return each state's answer, all heads side by side, (B, N, D).

        Large bags are attended to head after head, so that of queries, keys and values only a
        part is held at a time.
        """
        normed = self.norm(states)
        width = normed.shape[-1] // self.heads
        at_once = max(1, min(self.heads, _NUMBERS * self.heads // normed.numel()))
        answers = [
            self._answers_of(normed, slice(first * width, (first + at_once) * width), bias)
            for first in range(0, self.heads, at_once)
        ]
        del normed
        return torch.cat(answers, dim=-1)

    def _answers_of(self, normed: Tensor, channels: slice, bias: Tensor | None) -> Tensor:
        """Return the answers of the heads in these channels, side by side."""
        heads = self._heads_of(normed, channels)
        answer = functional.scaled_dot_product_attention(*heads, attn_mask=bias)
        return answer.transpose(1, 2).flatten(start_dim=2)

    def _heads_of(self, normed: Tensor, channels: slice) -> tuple[Tensor, Tensor, Tensor]:
        """Return queries, keys and values of the heads in these channels, (B, h, N, D/H) each."""
        key_weight, value_weight = self.key_value.weight.chunk(2)
        weights = self.query.weight, key_weight, value_weight
        biases: tuple[Tensor | None, ...] = (None, None, None)
        if self.query.bias is not None:
            biases = self.query.bias, *self.key_value.bias.chunk(2)
        width = normed.shape[-1] // self.heads
        query, key, value = (
            linear(normed, weight[channels], None if bias is None else bias[channels])
            .unflatten(-1, (-1, width))
            .transpose(1, 2)
            for weight, bias in zip(weights, biases, strict=True)
        )
        return query, key, value

    def answer_first(self, states: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return the first state updated, (B, D), and its attention, mean of heads, (B, N).

        With one query there is no need of keys and values of all states: q · (K x) = (Kᵀ q) · x,
        and Σ a V x = V Σ a x. The bias of the keys adds the same to all logits.
        """
        normed = self.norm(states)
        query = self.query(normed[:, 0]).unflatten(-1, (self.heads, -1))
        key, value = self.key_value.weight.chunk(2)
        asked = torch.einsum("bhd,hdc->bhc", query, key.unflatten(0, (self.heads, -1)))
        logits = asked * query.shape[-1] ** -0.5 @ normed.transpose(1, 2)
        if bias is not None:
            logits = logits + bias.squeeze(1)
        weights = logits.float().softmax(dim=-1)
        mean = weights.to(normed.dtype) @ normed
        answer = torch.einsum("bhc,hdc->bhd", mean, value.unflatten(0, (self.heads, -1)))
        answer = answer.flatten(start_dim=1)
        if self.key_value.bias is not None:
            answer = answer + self.key_value.bias.chunk(2)[1]
        updated = states[:, 0] + self.project(answer)
        return updated + self.mlp(updated), weights.detach().mean(dim=1)
