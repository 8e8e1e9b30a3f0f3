"""Features of all tiles, encoded once: clean and spoiled, under several stains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from slidesieve.encoders.colour_texture.encoder import ColourTexture
from slidesieve.synthetic.mosaic.artefacts import spoil
from slidesieve.synthetic.mosaic.tiles import (
    ORIENTATIONS,
    LabelledTile,
    oriented,
    read_tile_picture,
)

TILE_PX = 224
STAINS = 6
VERSIONS = 2
"""Times each tile is encoded, turned another way, clean and spoiled alike."""

_WHITE = 255.0
_ENCODER = ColourTexture()


def encode(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Encode pictures of TILE_PX: (n, D)."""
    return _ENCODER.encode(np.stack(pictures))


def stained(picture: NDArray[np.uint8], stain: int) -> NDArray[np.uint8]:
    """Show a picture as one laboratory's stain and scanner would; stain 0 is its own."""
    if stain == 0:
        return picture
    rng = np.random.default_rng([7, stain])
    density = rng.uniform(0.75, 1.35) * rng.uniform(0.9, 1.1, 3)
    light = rng.uniform(0.93, 1.0, 3)
    return np.rint(_WHITE * light * (picture / _WHITE) ** density).astype(np.uint8)


class TilePool:
    """Tiles with their pictures, and the features of their versions.

    Args:
        tiles: All of one tissue.
        cache: Folder that keeps the features, by label and stain.
    """

    def __init__(self, tiles: Sequence[LabelledTile], cache: Path) -> None:
        self._cache = cache
        self._of_label: dict[str, list[LabelledTile]] = {}
        for tile in tiles:
            self._of_label.setdefault(tile.label, []).append(tile)
        self._place = {
            tile.path: place for own in self._of_label.values() for place, tile in enumerate(own)
        }
        self._pictures: dict[Path, NDArray[np.uint8]] = {}
        self._features: dict[tuple[str, int], NDArray[np.float32]] = {}

    def picture(self, tile: LabelledTile) -> NDArray[np.uint8]:
        """Return a tile's pixels, (TILE_PX, TILE_PX, 3)."""
        if tile.path not in self._pictures:
            self._pictures[tile.path] = read_tile_picture(tile.path, TILE_PX)
        return self._pictures[tile.path]

    def features(
        self, tile: LabelledTile, stain: int, spoiled: bool, version: int
    ) -> NDArray[np.float32]:
        """Return a version's features, (D,)."""
        known = self._features.get((tile.label, stain))
        if known is None:
            known = self._features[tile.label, stain] = self._encoded(tile.label, stain)
        return known[self._place[tile.path], int(spoiled), version]

    def _encoded(self, label: str, stain: int) -> NDArray[np.float32]:
        """Read or make the features of a label's tiles: (tiles, clean or spoiled, version, D)."""
        path = self._cache / "pool" / f"{label}-{stain}.npy"
        if path.exists():
            return np.load(path)
        found = []
        tiles = self._of_label[label]
        for number, tile in enumerate(tqdm(tiles, desc=f"{label}, stain {stain}", disable=None)):
            rng = np.random.default_rng([11, stain, number])
            turned = [
                oriented(self.picture(tile), int(turn))
                for turn in rng.integers(ORIENTATIONS, size=2 * VERSIONS)
            ]
            turned[VERSIONS:] = [spoil(rng, picture) for picture in turned[VERSIONS:]]
            found.append(encode([stained(picture, stain) for picture in turned]))
        features = np.stack(found).reshape(len(tiles), 2, VERSIONS, -1)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, features)
        return features
