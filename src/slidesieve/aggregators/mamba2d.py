"""2DMambaMIL: a state-space model that scans a slide's grid by rows and columns."""

from __future__ import annotations

import math

import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.settings import Dropout, Width
from slidesieve.nn.boxes import Box, boxes
from slidesieve.nn.dropout import dropout_layer
from slidesieve.nn.grid import to_grid
from slidesieve.nn.linear import Linear
from slidesieve.nn.scan import grid_scan
from slidesieve.parsing.settings import STRICT
from slidesieve.tokens import SlideOutput, TokenBatch

# Channels scanned at once: their states fit a cache, and hardly any are held for the gradient.
_CHANNELS = 32


@dataclass(frozen=True, config=STRICT)
class Mamba2DSettings:
    """Settings of 2DMambaMIL."""

    hidden_dim: Width = Field(default=128, description="Width of the states.")
    attention_dim: Width = Field(default=128, description="Width of V h.")
    state_dim: Width = Field(default=16, description="S, states of a channel.")
    dropout: Dropout = Field(default=0.25, description="Of u, in training.")


class Mamba2D(Aggregator):
    """2DMambaMIL on the tissue's box (Zhang et al. 2024, https://arxiv.org/abs/2412.00678).

    u = Dropout(GELU(W x + b)) on the grid, empty places a learnt vector;  h = u + Mamba(RMSNorm(u))
    e = w · tanh(V LN(h)); a = softmax(e); logits = W_c Σ a LN(h) + b_c

    Mamba: (x, z) = W_in u; x ← SiLU(causal depth-wise convolution of 4 along the rows, one row
    after another); Δ, B, C of x; Ā = exp(Δ A), B̄x = Δ B x;
    s_ij = Ā_ij s_i(j−1) + B̄x_ij;  h_ij = Ā_ij h_(i−1)j + s_ij;  y = Σ_S C h + D x;
    W_out (y ⊙ SiLU(z))

    Unlike in the authors' code the grid is the box around the tissue, not the whole slide, so that
    a slide's place on the glass means nothing, and attention goes to places with tokens alone.

    Args:
        dim: Width of the tokens.
        n_classes: Number of classes.
        settings: Its shape.
    """

    def __init__(self, dim: int, n_classes: int, settings: Mamba2DSettings) -> None:
        super().__init__()
        width = settings.hidden_dim
        self.embed = nn.Sequential(Linear(dim, width), nn.GELU(), dropout_layer(settings.dropout))
        self.pad = nn.Parameter(torch.randn(width) * 0.02)
        self.norm = nn.RMSNorm(width, eps=1e-5)
        self.mamba = Mamba(width, settings.state_dim)
        self.last_norm = nn.LayerNorm(width)
        self.content = nn.Sequential(Linear(width, settings.attention_dim), nn.Tanh())
        # A bias of its own would be lost in the softmax.
        self.score = nn.Linear(settings.attention_dim, 1, bias=False)
        self.classifier = nn.Linear(width, n_classes)

    def forward(self, tokens: TokenBatch, labels: Tensor | None = None) -> SlideOutput:
        """Classify each bag by its grid; labels are not used.

        Raises:
            ContractError: The box around a bag's tokens has too many places.
        """
        grid = to_grid(tokens)
        cells = grid.means(self.embed(tokens.features[tokens.mask]))
        pooled, weights = zip(*(self._of_bag(cells, box) for box in boxes(grid)), strict=True)
        embedding = torch.stack(pooled)
        attention = grid.attention_of_tokens(torch.cat(weights))
        return SlideOutput(self.classifier(embedding), attention, embedding)

    def _of_bag(self, cells: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        """Return the pooled state (H,) and the weights of the cells of one bag."""
        place = box.row * box.width + box.column
        flat = self.pad.to(cells.dtype).expand(box.height * box.width, -1)
        flat = flat.index_copy(0, place, cells[box.cells])
        updated = flat + self.mamba(self.norm(flat), box.height, box.width)
        # Only places with tokens are pooled.
        states = self.last_norm(updated[place])
        weights = self.score(self.content(states)).squeeze(-1).float().softmax(dim=0)
        return weights @ states.float(), weights.detach()


class Mamba(nn.Module):
    """The selective state-space layer with the scan of a grid.

    Args:
        dim: Width of the states that come and go.
        state_dim: S, states of a channel.
    """

    def __init__(self, dim: int, state_dim: int) -> None:
        super().__init__()
        inner = 2 * dim
        rank = math.ceil(dim / 16)
        self.split = rank, state_dim, state_dim
        self.enter = Linear(dim, 2 * inner, bias=False)
        self.convolution = nn.Conv1d(inner, inner, kernel_size=4, padding=3, groups=inner)
        self.select = Linear(inner, rank + 2 * state_dim, bias=False)
        self.step = nn.Linear(rank, inner)
        self.log_decay = nn.Parameter(torch.arange(1.0, state_dim + 1).log().repeat(inner, 1))
        self.skip = nn.Parameter(torch.ones(inner))
        self.leave = Linear(inner, dim, bias=False)
        _start_steps(self.step)

    def forward(self, states: Tensor, height: int, width: int) -> Tensor:
        """Mix states of a grid, (height · width, D), row by row."""
        x, gate = self.enter(states).chunk(2, dim=-1)
        x = functional.silu(self.convolution(x.T[None])[0, :, : len(x)].T)
        step, enters, leaves = self.select(x).split(self.split, dim=-1)
        step = functional.softplus(self.step(step))
        mixed = [
            _scanned(height, width, *parts, enters, leaves)
            if not torch.is_grad_enabled()
            else checkpoint(_scanned, height, width, *parts, enters, leaves, use_reentrant=False)
            for parts in zip(
                x.split(_CHANNELS, dim=1),
                step.split(_CHANNELS, dim=1),
                self.log_decay.split(_CHANNELS),
                strict=True,
            )
        ]
        y = torch.cat(mixed, dim=1).to(x.dtype) + self.skip * x
        out: Tensor = self.leave(y * functional.silu(gate))
        return out


def _scanned(
    height: int,
    width: int,
    x: Tensor,
    step: Tensor,
    log_decay: Tensor,
    enters: Tensor,
    leaves: Tensor,
) -> Tensor:
    """Return Σ_S C h of some channels, (height · width, channels), in single precision."""
    step, x = step.float(), x.float()
    factor = (step[..., None] * -log_decay.float().exp()).exp()
    added = (step * x)[..., None] * enters.float()[:, None]
    shape = height, width, *factor.shape[1:]
    states = grid_scan(factor.view(shape), added.view(shape))
    return torch.einsum("nes,ns->ne", states.reshape(factor.shape), leaves.float())


def _start_steps(layer: nn.Linear) -> None:
    """Let Δ begin between 0.001 and 0.1, as Mamba does."""
    bound = layer.in_features**-0.5
    nn.init.uniform_(layer.weight, -bound, bound)
    low, high = math.log(1e-3), math.log(1e-1)
    with torch.no_grad():
        step = torch.empty_like(layer.bias).uniform_(low, high).exp()
        # The inverse of softplus.
        layer.bias.copy_(step + (-torch.expm1(-step)).log())
