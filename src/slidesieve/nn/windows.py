"""Attention within windows of a sparse grid, exactly and without laying the grid out."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from slidesieve.nn.grid import Grid

# Windows attended to at once: as many as a cache holds.
_AT_ONCE = 64


@dataclass(frozen=True)
class Windows:
    """The windows of w × w places that hold cells of a batch.

    Attributes:
        bag: (M,) the bag of each cell; cells are sorted by it.
        n_bags: B.
        members: (W + 1, K) cells of each window, M where there is none; the last row is empty.
        around: (W, 9) the window itself and the 8 around it, W for one without cells.
    """

    bag: Tensor
    n_bags: int
    members: Tensor
    around: Tensor

    @classmethod
    def of(cls, grid: Grid, edge: int, n_bags: int) -> Windows:
        """Cut the grids of a batch into windows of `edge` × `edge` places."""
        row, column = grid.row // edge, grid.column // edge
        # A window's code; rows and columns have a margin, so that no neighbour has another's code.
        n_columns, n_rows = int(column.max()) + 3, int(row.max()) + 3
        code = (grid.bag * n_rows + row + 1) * n_columns + column + 1
        codes, window, sizes = torch.unique(code, return_inverse=True, return_counts=True)
        order = window.argsort(stable=True)
        rank = (
            torch.arange(len(code), device=code.device) - (sizes.cumsum(0) - sizes)[window[order]]
        )
        shape = (len(codes) + 1, int(sizes.max()))
        members = torch.full(shape, len(code), device=code.device)
        members[window[order], rank] = order
        steps = torch.tensor([-1, 0, 1], device=code.device)
        offsets = (steps[:, None] * n_columns + steps).flatten()
        wanted = codes[:, None] + offsets
        found = torch.searchsorted(codes, wanted).clamp(max=len(codes) - 1)
        around = torch.where(codes[found] == wanted, found, len(codes))
        return cls(grid.bag, n_bags, members, around)

    def sum_of_bag(self, values: Tensor) -> Tensor:
        """Sum values of cells by bag, (M, …) to (B, …)."""
        sums = values.new_zeros(self.n_bags, *values.shape[1:])
        return sums.index_add(0, self.bag, values)

    def softmax_of_bag(self, scores: Tensor, own_scores: Tensor) -> tuple[Tensor, Tensor]:
        """Softmax over a bag's cells and its global token, head by head.

        Args:
            scores: (M, H) of cells.
            own_scores: (B, H) of global tokens.

        Returns:
            (M, H) and (B, H).
        """
        index = self.bag[:, None].expand_as(scores)
        highest = own_scores.scatter_reduce(0, index, scores, "amax").detach()
        exps = (scores - highest[self.bag]).exp()
        own = (own_scores - highest).exp()
        total = own + self.sum_of_bag(exps)
        return exps / total[self.bag], own / total


def window_attention(
    query: Tensor,
    of_cells: tuple[Tensor, Tensor],
    of_global: tuple[Tensor, Tensor],
    windows: Windows,
) -> Tensor:
    """Let each cell attend to its window, the 8 around it and its bag's global token.

    Args:
        query: (M, H, D) of cells.
        of_cells: Their keys and values, (M, H, D) each.
        of_global: Keys and values of the global tokens, (B, H, D) each.
        windows: Which cells lie where.

    Returns:
        (M, H, D).
    """
    # Rows after the cells: one that no cell has, then the global tokens.
    n_cells = len(query)
    nothing = torch.zeros_like(query[:1])
    keys = torch.cat([of_cells[0], nothing, of_global[0]])
    values = torch.cat([of_cells[1], nothing, of_global[1]])
    queries = torch.cat([query, nothing])
    answers, places = [], []
    for first in range(0, len(windows.around), _AT_ONCE):
        around = windows.around[first : first + _AT_ONCE]
        asking = windows.members[first : first + len(around)]
        asked = windows.members[around].flatten(start_dim=1)
        bag = windows.bag[asking[:, :1]]
        seen = torch.cat([asked, n_cells + 1 + bag], dim=1)
        bias = torch.zeros(seen.shape, dtype=query.dtype, device=query.device)
        bias = bias.masked_fill(seen == n_cells, -torch.inf)[:, None, None]
        answer = functional.scaled_dot_product_attention(
            queries[asking].transpose(1, 2),
            keys[seen].transpose(1, 2),
            values[seen].transpose(1, 2),
            attn_mask=bias,
        )
        real = asking < n_cells
        answers.append(answer.transpose(1, 2)[real])
        places.append(asking[real])
    found = torch.cat(answers)
    return torch.zeros_like(found).index_copy(0, torch.cat(places), found)
