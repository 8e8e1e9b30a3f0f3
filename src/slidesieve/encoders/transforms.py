"""From tiles to what a network expects, a whole batch at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

ANTIALIASED = ("bilinear", "bicubic")

_RESIZED_AT_ONCE = 16  # regions may be much larger than what they become, and are so in float32


@dataclass(frozen=True)
class Preparation:
    """How tiles are resized, cut and normalised.

    Attributes:
        input_size: Height and width that the network sees.
        resize_size: Height and width that the whole tile is resized to; where it is more than
            `input_size`, the centre is cut out.
        interpolation: "bilinear" or "bicubic", with antialiasing, on floats.
        mean: Of RGB in 0-1.
        std: Of RGB in 0-1.
    """

    input_size: tuple[int, int]
    resize_size: tuple[int, int]
    interpolation: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def __call__(
        self, tiles: NDArray[np.uint8], device: torch.device, dtype: torch.dtype = torch.float32
    ) -> Tensor:
        """Bring tiles (B, H, W, 3) to (B, 3, h, w) of a dtype on the device."""
        pixels = torch.from_numpy(tiles)
        if device.type == "cuda":
            # Only pinned memory is copied to a GPU without making the computation wait.
            pixels = pixels.pin_memory()
        pixels = pixels.to(device, non_blocking=True).permute(0, 3, 1, 2)
        images = self._resized(pixels, dtype)
        height, width = self.input_size
        top, left = ((a - b) // 2 for a, b in zip(self.resize_size, self.input_size, strict=True))
        images = images[:, :, top : top + height, left : left + width]
        mean, std = (
            torch.tensor(values, device=device, dtype=dtype).view(1, 3, 1, 1)
            for values in (self.mean, self.std)
        )
        return (images / 255 - mean) / std

    def _resized(self, pixels: Tensor, dtype: torch.dtype) -> Tensor:
        if tuple(pixels.shape[2:]) == self.resize_size:
            return pixels.to(dtype)
        pieces = [
            functional.interpolate(
                piece.float(), size=self.resize_size, mode=self.interpolation, antialias=True
            )
            for piece in pixels.split(_RESIZED_AT_ONCE)
        ]
        return torch.cat([piece.clamp_(0, 255).to(dtype) for piece in pieces])

    @property
    def words(self) -> str:
        """The whole transform in words."""
        (height, width), (crop_height, crop_width) = self.resize_size, self.input_size
        crop = f", centre {crop_width}x{crop_height}" if self.resize_size != self.input_size else ""
        return (
            f"resize {width}x{height} {self.interpolation} antialiased{crop}, "
            f"mean {_words(self.mean)}, sd {_words(self.std)}"
        )


def _words(values: tuple[float, ...]) -> str:
    return "/".join(f"{value:g}" for value in values)
