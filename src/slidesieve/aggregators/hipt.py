"""HIPT: a transformer within each region of 16 × 16 tiles, another over the regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.layers import masked_softmax
from slidesieve.aggregators.settings import Dropout, Width, heads_share
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.grid import to_grid
from slidesieve.nn.packing import pack_by_tokens
from slidesieve.nn.regions import EDGE, by_group, regions_of
from slidesieve.nn.transformer_block import TransformerBlock, attention_bias
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

# Most tokens of regions that the local transformer holds at once, padding included.
_AT_ONCE = 8192
# ε of the layer norms, that of the vision transformer.
_EPS = 1e-6


@dataclass(frozen=True, config=STRICT)
class HIPTSettings:
    """Settings of HIPT."""

    hidden_dim: Width = Field(default=192, description="Width of u and of a region's state.")
    depth: Width = Field(default=6, description="Blocks of the transformer within regions.")
    heads: Width = Field(default=6, description="Its heads; they share `hidden_dim` equally.")
    region_heads: Width = Field(
        default=3, description="Heads of the transformer over regions; they share it, too."
    )
    dropout: Dropout = Field(default=0.25, description="Of the layers over regions, in training.")

    def __post_init__(self) -> None:
        heads_share(self.hidden_dim, self.heads)
        heads_share(self.hidden_dim, self.region_heads)


class HIPT(Aggregator):
    """HIPT with the local transformer from scratch (Chen et al. 2022).

    https://arxiv.org/abs/2206.02647

    A region is 16 × 16 places of the grid, from the slide's own corner. Within a region:
    u = GELU(W x + b);  [class, u_n + P_{p(n)}], class + P_0;  6 pre-norm blocks;  r = LN(·)_class
    Over the regions of a slide: Dropout(ReLU(W r)); 2 post-norm encoder layers without positions;
    gated attention α; z = Dropout(ReLU(W Σ α r)); logits = W_c z + b_c

    Unlike in the published HIPT, the local transformer is not pretrained (theirs is, by DINO on
    regions), tiles without tissue are left out, and tokens of one place are averaged. The
    attention it reports is α of the region times the token's share in its region's last block.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: HIPTSettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.embed = nn.Sequential(nn.Linear(dim, width), nn.GELU())
        self.local = LocalTransformer(width, settings.depth, settings.heads)
        self.region = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), dropout_layer(settings.dropout)
        )
        layer = nn.TransformerEncoderLayer(
            width, settings.region_heads, width, settings.dropout, batch_first=True
        )
        self.over_regions = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.content = nn.Sequential(
            nn.Linear(width, width), nn.Tanh(), dropout_layer(settings.dropout)
        )
        self.gate = nn.Sequential(
            nn.Linear(width, width), nn.Sigmoid(), dropout_layer(settings.dropout)
        )
        # A bias of its own would be lost in the softmax.
        self.score = nn.Linear(width, 1, bias=False)
        self.last = nn.Sequential(
            nn.Linear(width, width), nn.ReLU(), dropout_layer(settings.dropout)
        )
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the regions of each bag; labels are not used."""
        grid = to_grid(tokens)
        cells = grid.means(self.embed(tokens.features[tokens.mask]))
        regions, region = regions_of(grid)
        place = EDGE * (grid.row % EDGE) + grid.column % EDGE
        states, share = self.local(cells, region, place, len(regions))
        padded, mask, row_of = by_group(states, regions[:, 0], len(tokens.mask))
        attended = self.over_regions(self.region(padded), src_key_padding_mask=~mask)
        scores = self.score(self.content(attended) * self.gate(attended)).squeeze(-1)
        weights = masked_softmax(scores, mask)
        pooled = self.last((weights[:, None] @ attended.float()).squeeze(1))
        of_region = weights.detach()[regions[:, 0], row_of]
        attention = grid.attention_of_tokens(of_region[region] * share)
        return SlideOutput(self.classifier(pooled), attention, pooled)


class LocalTransformer(nn.Module):
    """A transformer over the cells of a region, with learnt positions.

    Args:
        dim: Width of the states.
        depth: Number of blocks.
        heads: Attention heads.
    """

    def __init__(self, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        self.class_token = nn.Parameter(torch.zeros(dim))
        self.positions = nn.Parameter(torch.zeros(1 + EDGE * EDGE, dim))
        nn.init.trunc_normal_(self.class_token, std=0.02)
        nn.init.trunc_normal_(self.positions, std=0.02)
        self.blocks = nn.ModuleList(
            TransformerBlock(dim, heads, 4 * dim, dropout=0.0, norm_eps=_EPS) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(dim, eps=_EPS)

    def forward(
        self, cells: Tensor, region: Tensor, place: Tensor, n_regions: int
    ) -> tuple[Tensor, Tensor]:
        """Return the regions' states and each cell's share of its region's attention.

        Args:
            cells: (M, H) states of cells.
            region: (M,) the region of each.
            place: (M,) its place there, row by row.
            n_regions: R.

        Returns:
            (R, H) and (M,); the shares of a region sum to 1.
        """
        placed = cells + self.positions[1 + place].to(cells.dtype)
        states = cells.new_zeros(n_regions, cells.shape[1])
        share = torch.zeros(len(cells), device=cells.device)
        for group, members, mask in _buckets(region, n_regions):
            own, attention = self._attend(placed[members], mask)
            states = states.index_copy(0, group, own.to(states.dtype))
            share[members[mask]] = (attention / attention.sum(dim=1, keepdim=True))[mask]
        return states, share

    def _attend(self, placed: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Return class states (R, H) and their attention to the cells (R, T) of some regions."""
        first = (self.class_token + self.positions[0]).to(placed.dtype)
        states = torch.cat([first.expand(len(placed), 1, -1), placed], dim=1)
        bias = attention_bias(mask, states.dtype, n_before=1)
        for block in self.blocks[:-1]:
            states = block(states, bias)
        own, attention = cast(TransformerBlock, self.blocks[-1]).answer_first(states, bias)
        return self.norm(own), attention[:, 1:]


def _buckets(region: Tensor, n_regions: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield groups of regions of like size: their numbers, members (R, T) and which are real."""
    sizes = torch.bincount(region, minlength=n_regions)
    starts = sizes.cumsum(0) - sizes
    order = region.argsort(stable=True)
    for group in pack_by_tokens(sizes.tolist(), _AT_ONCE):
        numbers = torch.tensor(group, device=region.device)
        place = torch.arange(int(sizes[numbers].max()), device=region.device)
        mask = place < sizes[numbers, None]
        members = order[(starts[numbers, None] + place * mask).clamp(max=len(order) - 1)]
        yield numbers, members, mask
