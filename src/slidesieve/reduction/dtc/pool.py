"""Rows by reference, so that no stage copies what it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from slidesieve.nn.rows import zero_padding
from slidesieve.reduction.dtc.index_maps import scaled
from slidesieve.tokens import TokenBatch

RowReader = Callable[[Tensor], Tensor]

# Rows read at once: as many as a cache holds.
_BLOCK = 2048
# What a row of zeros is divided by.
_LEAST_NORM = 1e-12


class Table:
    """Rows that came in, then rows made since, by number.

    Args:
        rows: (R, D).
        read: Row by row, what the table holds of the rows that came in, worked out whenever they
            are looked at; None for the rows themselves.

    Attributes:
        dtype: Of the rows.
    """

    def __init__(self, rows: Tensor, read: RowReader | None = None) -> None:
        self._read = read
        self.dtype = (read(rows[:0]) if read else rows).dtype
        self._blocks = [rows]

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def map(self, function: Callable[[Tensor], Tensor]) -> Tensor:
        """Return f of the rows that came in, (R, …); f takes any number of rows (K, D)."""
        given = self._blocks[0]
        if self._read is None:
            return function(given)
        of_none = function(self._read(given[:0]))
        found = of_none.new_empty(len(given), *of_none.shape[1:])
        for start in range(0, len(given), _BLOCK):
            block = slice(start, start + _BLOCK)
            found[block] = function(self._read(given[block]))
        return found

    def append(self, rows: Tensor) -> None:
        """Take in rows (G, D)."""
        self._blocks.append(rows)

    def rows(self, numbers: Tensor) -> Tensor:
        """Return the rows of numbers (K,), a new tensor (K, D)."""
        given, *made = self._blocks
        rows = given.index_select(0, numbers.clamp(max=len(given) - 1))
        if self._read is not None:
            rows = self._read(rows)
        start = len(given)
        for block in made:
            here = ((numbers >= start) & (numbers < start + len(block))).nonzero().squeeze(1)
            rows.index_copy_(0, here, block.index_select(0, numbers[here] - start))
            start += len(block)
        return rows


class TokenPool:
    """The features of all tokens there ever were: those that came in, then means as they are made.

    Between stages a batch carries row numbers of the pool, (B, N, 1) int64, where others carry
    features.

    Args:
        tokens: B bags of N tokens with their features.
        read: What the tokens' features are of the rows given, see `Table`.

    Attributes:
        features: The table that row numbers refer to.
        references: The same bags by reference.
    """

    def __init__(self, tokens: TokenBatch, read: RowReader | None = None) -> None:
        self._tokens = tokens if read is None else None
        self.features = Table(tokens.features.flatten(end_dim=1), read)
        self._norms = self.features.map(_norms)
        numbers = torch.arange(len(self.features), device=tokens.mask.device)
        self.references = tokens.with_features(numbers.view(*tokens.mask.shape, 1))

    def with_means(self, references: TokenBatch, is_merged: Tensor, means: Tensor) -> TokenBatch:
        """Take in means and let tokens refer to them.

        Args:
            references: B bags of M tokens.
            is_merged: (B, M) bool, G of them True.
            means: (G, D), in their order.
        """
        first = len(self.features)
        self.features.append(means)
        self._norms = torch.cat([self._norms, _norms(means)])
        numbers = torch.arange(first, first + len(means), device=means.device)
        changed = references.features.masked_scatter(is_merged[..., None], numbers)
        return replace(references, features=changed)

    def norms(self, numbers: Tensor) -> Tensor:
        """Return the Euclidean norms of rows, above 0, float32 in the shape of the numbers."""
        return self._norms[numbers]

    def look_up(self, references: TokenBatch, scale: Tensor | None = None) -> TokenBatch:
        """Return bags with their features; those that came in themselves if nothing changed.

        Args:
            references: B bags of M tokens.
            scale: (B, M) what features are multiplied by, or None.
        """
        if references is self.references and self._tokens is not None:
            return self._tokens if scale is None else scaled(self._tokens, scale)
        features = self.features.rows(references.features.flatten())
        features = features.view(*references.mask.shape, -1)
        tokens = references.with_features(zero_padding(features, references.mask))
        if scale is None:
            return tokens
        if torch.is_grad_enabled():
            return scaled(tokens, scale)
        # Nobody else holds these rows.
        features *= scale[..., None]
        return tokens


def _norms(rows: Tensor) -> Tensor:
    with torch.no_grad():
        norms = torch.linalg.vector_norm(rows, dim=-1, dtype=torch.float32)
        return norms.clamp_(min=_LEAST_NORM)
