"""The optional positional code of section 2.2 of the paper."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from slidesieve.reduction.dtc.scan import offsets_from_corner
from slidesieve.tokens import TokenBatch

_EXTRA_WIDTH = {"none": 0, "raster": 1, "xy": 2, "sincos": 0}
# Waves across the slide's longer side, from the slowest to the fastest.
_SLOWEST, _FASTEST = 0.5, 64.0


class PositionalCode(nn.Module):
    """Tells tokens where they lie: [h ‖ p], or h + p.

    none: h. raster: p = index / N, the one concatenated number of the paper. xy: p = place on the
    slide, from 0 to 1 along its longer side, concatenated. sincos: sines and cosines of x and y,
    added.

    Args:
        dim: Width of the tokens.
        kind: One of these.

    Attributes:
        dim_out: Width of the tokens with the code.
    """

    def __init__(self, dim: int, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.dim_out = dim + _EXTRA_WIDTH[kind]

    def forward(self, tokens: TokenBatch) -> TokenBatch:
        """Give the real tokens their code; padding stays zero."""
        if self.kind == "none":
            return tokens
        features = tokens.features
        code = _CODES[self.kind](tokens).to(features.dtype)
        if self.kind == "sincos":
            return tokens.with_features(features + code * tokens.mask[..., None])
        code = code * tokens.mask[..., None]
        return tokens.with_features(torch.cat([features, code], dim=-1))


def _raster(tokens: TokenBatch) -> Tensor:
    place = torch.arange(tokens.mask.shape[1], device=tokens.mask.device)
    return (place / tokens.lengths[:, None])[..., None]


def _xy(tokens: TokenBatch) -> Tensor:
    offsets, longest = offsets_from_corner(tokens)
    return offsets / longest


def _sincos(tokens: TokenBatch) -> Tensor:
    """Return (B, N, D): sin and cos of x and of y at ⌊D/4⌋ frequencies, then zeros."""
    dim = tokens.features.shape[-1]
    n_waves = dim // 4
    waves = torch.logspace(
        math.log10(_SLOWEST), math.log10(_FASTEST), n_waves, device=tokens.mask.device
    )
    angles = 2 * math.pi * _xy(tokens)[..., None] * waves
    code = torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(start_dim=2)
    return nn.functional.pad(code, (0, dim - 4 * n_waves))


_CODES = {"raster": _raster, "xy": _xy, "sincos": _sincos}
