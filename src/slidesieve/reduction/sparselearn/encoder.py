"""The optional slide encoder: tokens that know their slide before they are scored."""

from __future__ import annotations

from torch import Tensor, nn

from slidesieve.reduction.sparselearn.blocks import Block, GlobalAttention
from slidesieve.reduction.sparselearn.dilated import DilatedAttention

_ATTENTIONS = {"transformer": GlobalAttention, "longnet": DilatedAttention}


class SlideEncoder(nn.Module):
    """Pre-norm transformer blocks at the width of the tokens.

    Args:
        kind: "transformer", "longnet", or "none" for no blocks at all.
        dim: Width of the tokens.
        layers: Number of blocks.
        heads: Attention heads.
    """

    def __init__(self, kind: str, dim: int, layers: int, heads: int) -> None:
        super().__init__()
        n_blocks = 0 if kind == "none" else layers
        self.blocks = nn.ModuleList(
            Block(dim, _ATTENTIONS[kind](dim, heads)) for _ in range(n_blocks)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Encode x (B, N, dim) to the same shape."""
        for block in self.blocks:
            x = block(x, mask)
        return x
