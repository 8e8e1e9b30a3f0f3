"""PatchGD on features: a grid of token states under a small convolutional network."""

from __future__ import annotations

import torch
from pydantic import Field, StrictFloat
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.settings import Dropout
from slidesieve.nn.boxes import Box, boxes
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.grid import to_grid
from slidesieve.nn.linear import Linear
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

_GROUPS = 8
_HALVINGS = 3


@dataclass(frozen=True, config=STRICT)
class PatchGDSettings:
    """Settings of PatchGD."""

    hidden_dim: int = Field(
        default=256, ge=_GROUPS, multiple_of=_GROUPS, description="Width of the grid's states."
    )
    gradient_share: StrictFloat = Field(
        default=0.125,
        gt=0,
        le=1,
        description="Share of the tokens, drawn anew in each pass, through which the gradient "
        "reaches the token network; 1 is PatchGD with accumulated gradients.",
    )
    dropout: Dropout = Field(default=0.2, description="Of the pooled state, in training.")


class PatchGD(Aggregator):
    """PatchGD, reformulated for features (Gupta et al. 2023, https://arxiv.org/abs/2301.13817).

    u_n = ReLU(W₂ ReLU(W₁ x_n)) fills the places of a grid, empty places are 0; one 3 × 3
    convolution and three of stride 2, each with GroupNorm and ReLU, on states and occupancy; the
    mean over places with tokens; logits = W_c z + b_c.

    The published method fills its grid without gradient and then learns from an eighth of the
    patches at a time. With accumulated gradients (its default) and an encoder without dropout
    that is plain training: the head's gradient is that of one backward pass and the encoder's an
    eighth of it, which Adam cancels (a test shows it). What remains is `gradient_share`.

    The attention it reports is the class activation map of the predicted class.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: PatchGDSettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.gradient_share = settings.gradient_share
        self.embed = nn.Sequential(Linear(dim, width), nn.ReLU(), Linear(width, width), nn.ReLU())
        strides = [1] + [2] * _HALVINGS
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width + (i == 0), width, 3, stride, padding=1, bias=False)
            for i, stride in enumerate(strides)
        )
        self.norms = nn.ModuleList(nn.GroupNorm(_GROUPS, width) for _ in strides)
        self.drop = dropout_layer(settings.dropout)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify each bag by its grid; labels are not used.

        Raises:
            ContractError: The box around a bag's tokens has too many places.
        """
        grid = to_grid(tokens)
        states = self.embed(tokens.features[tokens.mask])
        if self.training and self.gradient_share < 1:
            learns = torch.rand(len(states), 1, device=states.device) < self.gradient_share
            states = torch.where(learns, states, states.detach())
        cells = grid.means(states)
        maps = [(self._map(cells, box), box) for box in boxes(grid)]
        pooled = torch.stack([_mean(states, occupied) for (states, occupied), _ in maps])
        logits = self.classifier(self.drop(pooled))
        weights = [
            self._activation(*found, box, int(best))
            for (found, box), best in zip(maps, logits.argmax(dim=1), strict=True)
        ]
        return SlideOutput(logits, grid.attention_of_tokens(torch.cat(weights)), pooled)

    def _map(self, cells: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        """Return the last states (1, H, h, w) of one bag and which places hold tokens."""
        place = box.row * box.width + box.column
        occupied = cells.new_zeros(box.height * box.width, 1)
        occupied = occupied.index_fill(0, place, 1.0)
        flat = cells.new_zeros(len(occupied), cells.shape[1])
        flat = flat.index_copy(0, place, cells[box.cells])
        shape = 1, box.height, box.width, -1
        states = torch.cat([flat, occupied], dim=1).view(shape).permute(0, 3, 1, 2)
        occupied = occupied.view(shape).permute(0, 3, 1, 2)
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if i:
                occupied = functional.max_pool2d(occupied, 3, stride=2, padding=1)
            states = functional.relu(norm(convolution(states))) * occupied
        return states, occupied

    @torch.no_grad()
    def _activation(self, states: Tensor, occupied: Tensor, box: Box, best: int) -> Tensor:
        """Return the weights of one bag's cells by the class activation map."""
        towards = torch.einsum("h,bhij->bij", self.classifier.weight[best].to(states.dtype), states)
        scores = functional.relu(towards)[0] * occupied[0, 0]
        coarse = (box.row >> _HALVINGS) * scores.shape[1] + (box.column >> _HALVINGS)
        members = torch.bincount(coarse, minlength=scores.numel())
        weights = (scores.flatten() / members.clamp(min=1))[coarse]
        total = weights.sum()
        return weights / total if total > 0 else torch.full_like(weights, 1 / len(weights))


def _mean(states: Tensor, occupied: Tensor) -> Tensor:
    """Return the mean state (H,) of the places that hold tokens."""
    precise = states.to(torch.promote_types(states.dtype, torch.float32))
    return precise.sum(dim=(0, 2, 3)) / occupied.to(precise.dtype).sum()
