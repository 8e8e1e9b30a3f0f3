"""Tokens on the grid of a slide's tiles."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from slidesieve.errors import ContractError
from slidesieve.tokens import TokenBatch


def places(tokens: TokenBatch) -> Tensor:
    """Return the column and row of each token on its slide's grid, (B, N, 2) int64, 0 in padding.

    Column 0 and row 0 are those of the slide's leftmost and topmost token.

    Raises:
        ContractError: A bag's pitch is unknown.
    """
    pitch = tokens.pitch
    if pitch is None or bool((pitch <= 0).any()):
        raise ContractError(
            "this model reads the tiles' places on the slide's grid, but a bag does not tell the "
            "distance of its tiles: its features file holds no coords, or all of them are equal"
        )
    coords = tokens.coords.to(pitch.dtype)
    far = torch.finfo(pitch.dtype).max
    origin = coords.masked_fill(~tokens.mask[..., None], far).amin(dim=1, keepdim=True)
    steps = ((coords - origin) / pitch[:, None, None]).round().long()
    return steps * tokens.mask[..., None]


@dataclass(frozen=True)
class Grid:
    """The cells of a batch that hold tokens, in the order of bag, row and column.

    Attributes:
        mask: (B, N) bool, where the batch's tokens are real.
        cell: (T,) the cell of each of the T real tokens, bag after bag.
        share: (T,) the token's share in its cell, by the tiles it stands for.
        bag: (M,) the bag of each cell.
        row: (M,) its row.
        column: (M,) its column.
    """

    mask: Tensor
    cell: Tensor
    share: Tensor
    bag: Tensor
    row: Tensor
    column: Tensor

    def __len__(self) -> int:
        return len(self.bag)

    def means(self, states: Tensor) -> Tensor:
        """Return the mean state of each cell's tokens by tiles, (T, D) to (M, D)."""
        if len(self) == len(self.cell):
            # A token per cell: only their order can differ.
            return states[self.cell.argsort()]
        weighted = states * self.share[:, None].to(states.dtype)
        return states.new_zeros(len(self), states.shape[1]).index_add(0, self.cell, weighted)

    def attention_of_tokens(self, weights: Tensor) -> Tensor:
        """Share the weight of each cell equally among its tokens, (M,) to (B, N), 0 in padding."""
        members = torch.bincount(self.cell, minlength=len(self)).to(weights.dtype)
        shared = (weights / members)[self.cell]
        attention = shared.new_zeros(self.mask.shape)
        attention[self.mask] = shared
        return attention


def to_grid(tokens: TokenBatch) -> Grid:
    """Put the tokens of a batch on the grids of their slides; several may share a cell.

    Raises:
        ContractError: A bag's pitch is unknown.
    """
    place = places(tokens)
    bag = torch.arange(len(place), device=place.device)[:, None].expand(place.shape[:2])
    key = torch.stack([bag, place[..., 1], place[..., 0]], dim=-1)[tokens.mask]
    cells, cell = torch.unique(key, dim=0, return_inverse=True)
    size = tokens.size[tokens.mask].float()
    total = size.new_zeros(len(cells)).index_add(0, cell, size)
    return Grid(tokens.mask, cell, size / total[cell], *cells.unbind(dim=1))
