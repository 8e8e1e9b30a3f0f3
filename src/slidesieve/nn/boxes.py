"""The boxes around the tokens of slides, for models that need a full grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from slidesieve.errors import ContractError
from slidesieve.nn.grid import Grid

# At a few kB per place, what a machine of 8 GB holds.
_MOST_PLACES = 500_000


@dataclass(frozen=True)
class Box:
    """The box around the cells of one bag.

    Attributes:
        cells: Which cells of the batch are the bag's.
        row: (m,) their rows.
        column: (m,) their columns.
        height: Rows of the box.
        width: Columns of the box.
    """

    cells: slice
    row: Tensor
    column: Tensor
    height: int
    width: int


def boxes(grid: Grid) -> Iterator[Box]:
    """Yield the box of each bag of a batch, in order.

    Raises:
        ContractError: A box has too many places to be laid out.
    """
    ends = torch.bincount(grid.bag, minlength=len(grid.mask)).cumsum(0).tolist()
    for start, end in zip([0, *ends[:-1]], ends, strict=True):
        row, column = grid.row[start:end], grid.column[start:end]
        height, width = int(row.max()) + 1, int(column.max()) + 1
        if height * width > _MOST_PLACES:
            raise ContractError(
                f"a slide's tokens lie in a box of {height} x {width} tiles, more than the "
                f"{_MOST_PLACES} places that a model of the full grid holds; take another "
                "aggregator, or larger tiles"
            )
        yield Box(slice(start, end), row, column, height, width)
