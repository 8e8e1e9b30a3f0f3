"""HIPT without transformers: an attention pool within each region, and one over the regions."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.gated_scores import GatedScores
from slidesieve.aggregators.layers import masked_softmax, token_embedding
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.grid import to_grid
from slidesieve.nn.regions import by_group, regions_of
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch


@dataclass(frozen=True, config=STRICT)
class HIPTPoolsSettings:
    """Settings of HIPT without transformers."""

    hidden_dim: Width = Field(default=256, description="Width of all states.")
    dropout: Dropout = Field(default=0.25, description="Of all layers, in training.")


class HIPTPools(Aggregator):
    """HIPT without transformers (Chen et al. 2022, https://arxiv.org/abs/2206.02647).

    The authors' baseline `HIPT_None_FC`. A region is 16 × 16 places of the grid, from the slide's
    own corner.
    h = Dropout(ReLU(W x + b));  within a region: r = Σ a h, a = softmax of gated scores of h
    u = Dropout(ReLU(W' r + b'));  over the regions: z = Σ α u, α = softmax of gated scores of u
    logits = C Dropout(ReLU(W'' z + b'')) + c

    Tiles without tissue are left out, and tokens of one place are averaged. The attention it
    reports is α of the region times a.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: HIPTPoolsSettings) -> None:
        super().__init__()
        width, dropout = settings.hidden_dim, settings.dropout
        self.embed = token_embedding(dim, width, dropout)
        self.scores = GatedScores(width, width, dropout=dropout)
        self.region = token_embedding(width, width, dropout)
        self.region_scores = GatedScores(width, width, dropout=dropout)
        self.last = token_embedding(width, width, dropout)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify by the regions of each bag; labels are not used."""
        grid = to_grid(tokens)
        cells = grid.means(self.embed(tokens.features[tokens.mask]))
        regions, region = regions_of(grid)
        # Cells come by row of the whole slide, so those of a region are apart.
        order = region.argsort(stable=True)
        states, share, place = _pooled(self.scores, cells[order], region[order], len(regions))
        slides, weights, row = _pooled(
            self.region_scores, self.region(states), regions[:, 0], len(tokens.mask)
        )
        of_cell = share.new_zeros(len(cells))
        of_region = weights[regions[:, 0], row]
        of_cell[order] = (of_region[:, None] * share)[region[order], place]
        pooled = self.last(slides)
        attention = grid.attention_of_tokens(of_cell.detach())
        return SlideOutput(self.classifier(pooled), attention, pooled)


def _pooled(
    scores: nn.Module, rows: Tensor, group: Tensor, n_groups: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pooled rows of each group (G, H), their attention (G, T), each row's place."""
    padded, mask, place = by_group(rows, group, n_groups)
    attention = masked_softmax(scores(padded).squeeze(-1), mask)
    return (attention[:, None] @ padded.float()).squeeze(1), attention, place
