"""The encoder: all measurements of a tile, one after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slidesieve.encoders.colour_texture import (
    bands,
    binary_patterns,
    colour,
    gradients,
    intensity,
    nuclei,
    structure,
)
from slidesieve.encoders.colour_texture.planes import take_apart
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.errors import ConfigError

_GROUPS = (intensity, colour, gradients, binary_patterns, bands, nuclei, structure)

FEATURE_NAMES: tuple[str, ...] = tuple(name for group in _GROUPS for name in group.NAMES)
MIN_TILE_PX = 64
# Group after group over a few tiles: its code stays in the processor's caches, and so do they.
_AT_ONCE = 16


class ColourTexture:
    """Colour, stain and texture statistics; see docs/reference/colour_texture.md for each of them.

    A tile's numbers depend on that tile alone, to the bit. They are meant for H&E at about 0.5 µm
    a pixel; at other scales they are as valid, but nuclei have other sizes.
    """

    name = "colour_texture"
    revision = "1"  # of the recipe: raise it with any change of the numbers
    source = ""
    transform = "none"
    pooling = "statistics of the tile"
    tile_px = None
    runs_in_workers = True
    dim = len(FEATURE_NAMES)

    def __init__(self, precision: str = "fp32") -> None:
        self.precision = precision

    def encode(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode RGB tiles (B, H, W, 3), H and W at least 64, into features (B, dim).

        Raises:
            ValueError: The tiles are not 8-bit RGB, or too small.
        """
        if tiles.dtype != np.uint8 or tiles.ndim != 4 or tiles.shape[3] != 3:
            raise ValueError(f"tiles must be uint8 (B, H, W, 3), not {tiles.dtype} {tiles.shape}")
        if min(tiles.shape[1:3]) < MIN_TILE_PX:
            raise ValueError(
                f"tiles must be at least {MIN_TILE_PX} px wide, not {tiles.shape[1:3]}"
            )
        features = np.empty((len(tiles), self.dim), dtype=np.float32)
        for start in range(0, len(tiles), _AT_ONCE):
            block = slice(start, start + _AT_ONCE)
            features[block] = describe_tiles(tiles[block])
        return features


def describe_tiles(tiles: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Measure RGB tiles (B, H, W, 3), B at least 1: the numbers of `FEATURE_NAMES` of each."""
    # A copy of a view makes OpenCV see the same memory layout whatever the tile was cut from.
    planes = [take_apart(np.ascontiguousarray(tile)) for tile in tiles]
    return np.hstack([group.measure(planes) for group in _GROUPS])


def build(spec: EncoderSpec) -> ColourTexture:
    """Build the encoder of a config entry."""
    given = [key for key in ("pretrained", "weights", "device") if getattr(spec, key) is not None]
    if spec.model or given:
        what = f"no model name ({spec.model})" if spec.model else f"no {' or '.join(given)}"
        raise ConfigError([f"encoder {spec.name}: colour_texture takes {what}"])
    return ColourTexture(precision=spec.precision or "fp32")
