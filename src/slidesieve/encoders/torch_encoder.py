"""The encoder around any torch network."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slidesieve.encoders.preparation import Preparation
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.errors import ConfigError

log = logging.getLogger(__name__)

_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class Identity:
    """What a features file says of its encoder, see `base.Encoder`."""

    name: str
    revision: str
    source: str
    pooling: str


class TorchEncoder:
    """Tiles through a network on a device, in pieces that fit its memory.

    Args:
        network: All modules that `features` uses.
        features: From normalised images (B, 3, h, w) to features (B, D).
        preparation: How tiles become images.
        identity: What it is.
        precision: "fp32", "fp16" or "bf16".
        device: As torch writes it.
    """

    runs_in_workers = False

    def __init__(
        self,
        network: nn.Module,
        features: Callable[[Tensor], Tensor],
        preparation: Preparation,
        identity: Identity,
        precision: str,
        device: str,
    ) -> None:
        self.name = identity.name
        self.revision = identity.revision
        self.source = identity.source
        self.pooling = identity.pooling
        self.transform = preparation.words
        self.precision = precision
        self.tile_px = preparation.resize_size[1]
        self._device = torch.device(device)
        self._prepare = preparation
        self._features = features
        self._network = network.eval().requires_grad_(False).to(self._device)
        blank = np.zeros((1, *preparation.resize_size, 3), dtype=np.uint8)
        self.dim = self._forward(blank).shape[1]

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode RGB tiles (B, H, W, 3) into features (B, dim)."""
        if not len(tiles):
            return np.zeros((0, self.dim), dtype=np.float32)
        return in_pieces_that_fit(self._forward, tiles)

    @torch.inference_mode()
    def _forward(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.autocast(
            self._device.type,
            dtype=_AUTOCAST.get(self.precision),
            enabled=self.precision in _AUTOCAST,
        ):
            features = self._features(self._prepare(tiles, self._device))
        if features.ndim != 2:
            shape = tuple(features.shape)
            raise ConfigError([f"encoder {self.name}: gives features {shape}, not (B, D)"])
        return features.float().cpu().numpy()


def device_and_precision(spec: EncoderSpec, on_gpu: str) -> tuple[str, str]:
    """Choose the device and the precision that a config entry leaves open.

    Args:
        spec: The entry.
        on_gpu: Precision on a GPU; on a CPU it is fp32.
    """
    device = spec.device or ("cuda" if torch.cuda.is_available() else "cpu")
    return device, spec.precision or (on_gpu if device.startswith("cuda") else "fp32")


def in_pieces_that_fit(
    forward: Callable[[NDArray[np.uint8]], NDArray[np.float32]], tiles: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Apply `forward` to a batch, halving it whenever the GPU's memory does not suffice."""
    pieces: list[NDArray[np.float32]] = []
    start, length = 0, len(tiles)
    while start < len(tiles):
        try:
            pieces.append(forward(tiles[start : start + length]))
        except torch.cuda.OutOfMemoryError:
            if length == 1:
                raise
            length = (length + 1) // 2
            log.warning("GPU memory does not hold the batch: going on with %d tiles", length)
            torch.cuda.empty_cache()
            continue
        start += length
    return np.concatenate(pieces)
