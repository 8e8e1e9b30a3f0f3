"""Grids over real slides."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from slidesieve.slide.open import open_slide
from slidesieve.store.tile_records import TileSet
from slidesieve.tiling.spec import choose_tile_spec


def grid_of(path: Path, tile_px: int = 128, target_mpp: float = 1.0) -> TileSet:
    """All tiles of a slide, tissue or not."""
    with open_slide(path) as reader:
        spec = choose_tile_spec(0.499, reader.level_downsamples, tile_px, tile_px, target_mpp)
        xs = range(0, reader.width - spec.size_level0, round(spec.step_level0))
        ys = range(0, reader.height - spec.size_level0, round(spec.step_level0))
        return TileSet(
            path.stem,
            coords=np.array([(x, y) for y in ys for x in xs], dtype=np.int64),
            spec=spec,
            width=reader.width,
            height=reader.height,
            fingerprint="f",
        )
