"""Tiles and specs for tests of encoders."""

from __future__ import annotations

import numpy as np
import torch

from slidesieve.encoders.spec import EncoderSpec


def tiles(side: int, count: int = 2) -> np.ndarray:
    return np.random.default_rng(side).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def normalised(card, images: np.ndarray) -> torch.Tensor:
    """Tiles of the network's own size as it wants them."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (card.mean, card.std))
    return (torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 - mean) / std


def spec_for(card, path, **options) -> EncoderSpec:
    return EncoderSpec(card.name, weights=path, device="cpu", **options)
