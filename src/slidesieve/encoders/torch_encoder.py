"""The encoder around any torch network."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from slidesieve.encoders.spec import EncoderSpec
from slidesieve.encoders.transforms import Preparation
from slidesieve.errors import ConfigError
from slidesieve.runtime.device_memory import retry_on_oom

log = logging.getLogger(__name__)

_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class EncoderIdentity:
    """The identity that features files give their encoder, see `base.Encoder`."""

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
        identity: EncoderIdentity,
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
        # Also for bfloat16, whose 8 digits would blur the 8 bits of a pixel.
        self._image_dtype = torch.float32 if precision == "fp32" else torch.float16
        self._features = features
        self._in_pieces = TilePieces(self._forward)
        self._network = network.eval().requires_grad_(False).to(self._device)
        blank = np.zeros((1, *preparation.resize_size, 3), dtype=np.uint8)
        self.dim = self._forward(blank).shape[1]

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode RGB tiles (B, H, W, 3) into features (B, dim)."""
        if not len(tiles):
            return np.zeros((0, self.dim), dtype=np.float32)
        return self._in_pieces(tiles)

    @torch.inference_mode()
    def _forward(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.autocast(
            self._device.type,
            dtype=_AUTOCAST.get(self.precision),
            enabled=self.precision in _AUTOCAST,
        ):
            features = self._features(self._prepare(tiles, self._device, self._image_dtype))
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


class TilePieces:
    """Applies `forward` to batches of tiles, in pieces that the GPU's memory holds.

    What did not fit once is not tried again.

    Args:
        forward: From tiles (B, H, W, 3) to features (B, D).
    """

    def __init__(self, forward: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
        self._forward = forward
        self._most: int | None = None

    def __call__(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the features (B, D) of tiles (B, H, W, 3), B at least 1.

        Raises:
            torch.OutOfMemoryError: The memory does not hold a single tile.
        """
        pieces: list[NDArray[np.float32]] = []
        done = 0
        while done < len(tiles):
            pieces.append(self._next_piece(tiles[done:]))
            done += len(pieces[-1])
        return np.concatenate(pieces)

    def _next_piece(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        def halve(refusal: torch.OutOfMemoryError) -> None:
            tried = len(tiles[: self._most])
            if tried == 1:
                raise refusal
            self._most = (tried + 1) // 2
            log.warning("GPU memory does not hold the batch: going on with %d tiles", self._most)

        return retry_on_oom(lambda: self._forward(tiles[: self._most]), halve)
