"""Samplers: reducers that keep tokens without looking at their features."""

from __future__ import annotations

import zlib

import torch

from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.selection import Budget, keep_tokens
from slidesieve.tokens import Reduction, TokenBatch


class RandomSampling(TokenReducer):
    """Keeps ⌈rN⌉ tokens drawn without replacement (the papers' "random sampling" row).

    In training every forward pass draws anew from torch's global generator. In evaluation the
    draw is seeded with the bag's own coordinates and length, so a slide keeps the same tokens
    whatever batch it comes in, on every device and in every run.

    Args:
        dim: Width of the tokens.
        settings: How many tokens are kept.
    """

    def __init__(self, dim: int, settings: Budget) -> None:
        super().__init__(dim)
        self.budget = settings

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep a random sample of each bag."""
        keep = torch.zeros(tokens.mask.shape, dtype=torch.bool)
        coords = tokens.coords.cpu()
        for i, n_tokens in enumerate(tokens.lengths.tolist()):
            generator = None
            if not self.training:
                seed = zlib.crc32(coords[i, :n_tokens].contiguous().numpy().tobytes())
                generator = torch.Generator().manual_seed(seed)
            drawn = torch.randperm(n_tokens, generator=generator)[: self.budget.count(n_tokens)]
            keep[i, drawn] = True
        return keep_tokens(tokens, keep.to(tokens.mask.device))


class UniformSampling(TokenReducer):
    """Keeps every (N / k)-th token, beginning half a stride in.

    Token i of k is number ⌊(i + ½) N / k⌋ of the bag, so the sample covers a slide evenly in
    reading order and is the same in training and evaluation.

    Args:
        dim: Width of the tokens.
        settings: How many tokens are kept.
    """

    def __init__(self, dim: int, settings: Budget) -> None:
        super().__init__(dim)
        self.budget = settings

    def forward(self, tokens: TokenBatch) -> Reduction:
        """Keep an even sample of each bag."""
        keep = torch.zeros(tokens.mask.shape, dtype=torch.bool)
        for i, n_tokens in enumerate(tokens.lengths.tolist()):
            count = self.budget.count(n_tokens)
            keep[i, (2 * torch.arange(count) + 1) * n_tokens // (2 * count)] = True
        return keep_tokens(tokens, keep.to(tokens.mask.device))
