"""The contract of every encoder."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Turns tiles into feature vectors, one a tile.

    Attributes:
        name: As in the config: "colour_texture", "timm:resnet18", …
        dim: Length of a feature vector.
        revision: What pins the numbers: version of the recipe, or pooling and hash of the weights.
        source: Where the weights come from: repository, commit and file; empty if it has none.
        transform: How tiles are brought to the encoder, in words.
        pooling: How its output becomes one vector, in words.
        precision: "fp32", "fp16" or "bf16": of the arithmetic where the encoder has a choice, and
            of the stored features (bf16 is stored as 32-bit floats).
        tile_px: Side of the tiles it works on. It is given regions as they lie on their level of
            the slide, of any size, and resizes them itself. None if it takes tiles as the config
            asks for them.
        runs_in_workers: True if `encode` uses one core: it is then called by several processes
            (or threads, where processes cannot be forked), and must not mind either.
    """

    name: str
    dim: int
    revision: str
    source: str
    transform: str
    pooling: str
    precision: str
    tile_px: int | None
    runs_in_workers: bool

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode RGB tiles (B, H, W, 3) into features (B, dim)."""
        ...
