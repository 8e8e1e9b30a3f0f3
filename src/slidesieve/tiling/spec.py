"""The three sizes of a tile: asked for, read and at level 0."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.scale import coarsest_level
from slidesieve.store.tile_records import TileSpec
from slidesieve.tiling.settings import TileSettings

_MAX_UPSAMPLING = TileSettings().max_upsampling


def choose_tile_spec(
    slide_mpp: float,
    level_downsamples: Sequence[float],
    tile_px: int,
    step_px: int,
    target_mpp: float,
    max_upsampling: float = _MAX_UPSAMPLING,
    objective: float | None = None,
) -> TileSpec:
    """Choose the level at the target scale or just finer, and the sizes that follow.

    Args:
        slide_mpp: µm per level-0 px.
        level_downsamples: Level-0 px per px of each level.
        tile_px: Side of a finished tile in px.
        step_px: From one tile to the next in finished px.
        target_mpp: µm per px of a finished tile.
        max_upsampling: How many times coarser than the target level 0 may be.
        objective: Objective power as the slide states it.

    Raises:
        SlideError: Even level 0 is too coarse for the target.
    """
    if slide_mpp > target_mpp * max_upsampling:
        raise SlideError(
            f"the slide has {slide_mpp:.4g} µm per px, too coarse for tiles of {target_mpp:.4g} µm "
            f"per px; raise target_mpp to {slide_mpp / max_upsampling:.4g} or more, or leave "
            "the slide out"
        )
    downsample_wanted = target_mpp / slide_mpp
    level = coarsest_level(level_downsamples, downsample_wanted)
    downsample = level_downsamples[level]
    return TileSpec(
        tile_px=tile_px,
        step_px=step_px,
        target_mpp=target_mpp,
        slide_mpp=slide_mpp,
        level=level,
        downsample=downsample,
        read_px=round(tile_px * downsample_wanted / downsample),
        size_level0=round(tile_px * downsample_wanted),
        step_level0=step_px * downsample_wanted,
        read_mpp=slide_mpp * downsample,
        objective=objective,
    )


def read_tile(
    reader: SlideReader, spec: TileSpec, x: int, y: int, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """Read one tile at its level and resize it once.

    Args:
        reader: The open slide.
        spec: The slide's tile spec.
        x: Left edge in level-0 px.
        y: Top edge in level-0 px.
        out: Contiguous (tile_px, tile_px, 3) where the tile goes, or None for a new array.

    Returns:
        RGB (tile_px, tile_px, 3): `out` if it was given.

    Raises:
        TileReadError: The pixels cannot be decoded.
    """
    where = int(x), int(y), spec.level, spec.read_px, spec.read_px
    if spec.read_px == spec.tile_px:
        return reader.read_region(*where, out)
    pixels = reader.read_region(*where)
    shrinks = spec.read_px > spec.tile_px
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(pixels, (spec.tile_px, spec.tile_px), out, interpolation=interpolation)
