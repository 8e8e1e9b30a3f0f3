"""Dilated attention of LongNet (Ding et al. 2023): linear in the length of the bag."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from slidesieve.reduction.sparselearn.blocks import MultiHeadAttention

# (segment length w, dilation r), both geometric and w / r constant: each pair costs N · w / r.
PATTERNS = ((128, 1), (512, 4), (2048, 16), (8192, 64))
# Finite, because infinities turn into NaN in the gradients of padding.
_UNREACHED = -1e30
_LEAST_TOTAL = 1e-30


class DilatedAttention(MultiHeadAttention):
    """A mixture of attentions inside segments, over ever wider and sparser patterns.

    For each pattern (w, r) a bag is cut into segments of w tokens; head h attends within a
    segment over the positions h mod r, h mod r + r, …. A token's results from the
    patterns that reach it are weighted by their softmax denominators, which makes them
    one softmax over the union of keys, a key counting once per pattern.

    Args:
        dim: Width of the tokens.
        heads: Number of heads.
        patterns: (w, r) pairs, w a multiple of r; one with r = 1 so that every token is reached.
    """

    def __init__(
        self, dim: int, heads: int, patterns: tuple[tuple[int, int], ...] = PATTERNS
    ) -> None:
        super().__init__(dim, heads)
        self.patterns = patterns

    def attend(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> Tensor:
        """Mix the values; everything (B, heads, N, head_dim), mask (B, N)."""
        results = [
            _segment_attention(queries, keys, values, mask, length, dilation)
            for length, dilation in self.patterns
        ]
        mixed = torch.stack([result for result, _ in results])
        shares = torch.stack([log_sum for _, log_sum in results]).softmax(dim=0)
        return (shares[..., None] * mixed).sum(dim=0).to(values.dtype)


def _segment_attention(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor, length: int, dilation: int
) -> tuple[Tensor, Tensor]:
    """Return the attention of one pattern and the logs of its softmax denominators.

    Returns:
        (B, H, N, d) and (B, H, N), float32; 0 and a very low number where a head skips a token.
    """
    n_tokens = mask.shape[1]
    query, key, value = (
        _pick(tensor, length, dilation).float() for tensor in (queries, keys, values)
    )
    real = _pick(mask[:, None, :, None].expand(-1, queries.shape[1], -1, 1), length, dilation)
    logits = query @ key.transpose(-1, -2) / query.shape[-1] ** 0.5
    logits = logits.masked_fill(~real.transpose(-1, -2), -torch.inf)
    highest = logits.detach().amax(dim=-1, keepdim=True).clamp(min=_UNREACHED)
    weights = torch.exp(logits - highest)
    total = weights.sum(dim=-1, keepdim=True).clamp(min=_LEAST_TOTAL)
    mixed = _put_back(weights @ value / total, dilation, elsewhere=0.0)
    log_sum = _put_back(torch.log(total) + highest, dilation, elsewhere=_UNREACHED)
    return mixed[:, :, :n_tokens], log_sum[:, :, :n_tokens, 0]


def _pick(tensor: Tensor, length: int, dilation: int) -> Tensor:
    """Cut (B, H, N, d) into segments and keep each head's positions: (B, H, segments, w / r, d)."""
    padded = functional.pad(tensor, (0, 0, 0, -tensor.shape[2] % length))
    grid = padded.unflatten(2, (-1, length // dilation, dilation))
    heads = torch.arange(tensor.shape[1], device=tensor.device)
    return grid[:, heads, :, :, heads % dilation].transpose(0, 1)


def _put_back(picked: Tensor, dilation: int, elsewhere: float) -> Tensor:
    """Undo `_pick`: (B, H, segments, w / r, d) to (B, H, N, d) and some; other places filled."""
    grid = picked.new_full((*picked.shape[:4], dilation, picked.shape[4]), elsewhere)
    heads = torch.arange(picked.shape[1], device=picked.device)
    grid[:, heads, :, :, heads % dilation] = picked.transpose(0, 1)
    return grid.flatten(2, 4)
