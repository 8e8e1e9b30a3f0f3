"""Features by reference, so that no stage copies what it keeps."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from slidesieve.reduction.selection import zero_padding
from slidesieve.tokens import TokenBatch


class TokenPool:
    """The features of all tokens there ever were: those that came in, then means as they are made.

    Between stages a batch carries row numbers of the pool, (B, N, 1) int64, where others carry
    features.

    Args:
        tokens: B bags of N tokens with their features.

    Attributes:
        references: The same bags by reference.
    """

    def __init__(self, tokens: TokenBatch) -> None:
        self._tokens = tokens
        self._blocks = [tokens.features.flatten(end_dim=1)]
        numbers = torch.arange(len(self._blocks[0]), device=tokens.mask.device)
        self.references = tokens.with_features(numbers.view(*tokens.mask.shape, 1))

    def with_means(self, references: TokenBatch, is_merged: Tensor, means: Tensor) -> TokenBatch:
        """Take in means and let tokens refer to them.

        Args:
            references: B bags of M tokens.
            is_merged: (B, M) bool, G of them True.
            means: (G, D), in their order.
        """
        first = sum(map(len, self._blocks))
        self._blocks.append(means)
        numbers = torch.arange(first, first + len(means), device=means.device)
        changed = references.features.masked_scatter(is_merged[..., None], numbers)
        return replace(references, features=changed)

    def look_up(self, references: TokenBatch) -> TokenBatch:
        """Return bags with their features; those that came in themselves if nothing changed."""
        if references is self.references:
            return self._tokens
        numbers = references.features.flatten()
        first, *means = self._blocks
        rows = first.index_select(0, numbers.clamp(max=len(first) - 1))
        start = len(first)
        for block in means:
            here = ((numbers >= start) & (numbers < start + len(block))).nonzero().squeeze(1)
            rows.index_copy_(0, here, block.index_select(0, numbers[here] - start))
            start += len(block)
        features = rows.view(*references.mask.shape, -1)
        return references.with_features(zero_padding(features, references.mask))
