"""Bring features to a common scale, measured on the training slides."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from slidesieve.nn.rows import zero_padding
from slidesieve.tokens import TokenBatch

# A spread below this share of the mean is rounding of a constant feature.
_CONSTANT = 1e-6

# Tokens standardised at once: as many as a cache holds.
_BLOCK = 512


class Standardise(nn.Module):
    """(x − mean) / sd of every feature, over the tokens of the training slides only.

    Handcrafted features such as `colour_texture` mix ratios, counts and intensities whose scales
    differ by orders of magnitude: without this, one learning rate cannot suit them all. Mean and
    sd are buffers, saved with the weights, so prediction uses those of training.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("sd", torch.ones(dim))

    def forward(self, tokens: TokenBatch) -> TokenBatch:
        """Standardise the real tokens in float32; padding stays zero."""
        rows = tokens.features.flatten(end_dim=1)
        scaled = rows.new_empty(rows.shape, dtype=self._dtype_of(rows))
        # Block by block in place: a large slide's features are held once and stay in the cache.
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            self._scale(scaled[block].copy_(rows[block]))
        features = zero_padding(scaled.view(tokens.features.shape), tokens.mask)
        return tokens.with_features(features)

    def rows(self, rows: Tensor) -> Tensor:
        """Standardise rows (K, D) to a new tensor, the same numbers as in their bag."""
        return self._scale(rows.to(self._dtype_of(rows), copy=True))

    def _dtype_of(self, rows: Tensor) -> torch.dtype:
        return torch.promote_types(rows.dtype, self.mean.dtype)

    def _scale(self, rows: Tensor) -> Tensor:
        return rows.sub_(self.mean).div_(self.sd)

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Measure mean and sd, merging the moments bag by bag (Chan et al. 1983)."""
        count = 0
        mean = torch.zeros_like(self.mean, dtype=torch.float64)
        squares = torch.zeros_like(mean)
        for bag in bags:
            features = bag.features[bag.mask].double()
            n_tokens = len(features)
            bag_mean = features.mean(dim=0)
            shift = bag_mean - mean
            squares += ((features - bag_mean) ** 2).sum(dim=0)
            squares += shift**2 * count * n_tokens / (count + n_tokens)
            count += n_tokens
            mean += shift * n_tokens / count
        sd = (squares / count).sqrt()
        constant = sd <= _CONSTANT * mean.abs()
        self.mean.copy_(mean)
        self.sd.copy_(torch.where(constant, 1.0, sd))


class NoStandardisation(nn.Module):
    """Features as they come, in float32."""

    def forward(self, tokens: TokenBatch) -> TokenBatch:
        """Return the tokens in float32."""
        return tokens.with_features(tokens.features.float())

    def rows(self, rows: Tensor) -> Tensor:
        """Return rows (K, D) in float32."""
        return rows.float()

    def prepare(self, bags: Sequence[TokenBatch]) -> None:
        """Do nothing."""
