"""Writes a picture as the tiled JPEG pyramid of an Aperio scanner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from slidesieve.store.atomic import atomic_path

TILE_PX = 240
JPEG_QUALITY = 85
OBJECTIVE_MPP = 10.0
"""Objective power times mpp, by convention: 20x is 0.5 um per pixel."""


class Picture(Protocol):
    """A source of pyramids: the picture at any level, read by blocks."""

    def size(self, downsample: int) -> tuple[int, int]:
        """(height, width) at a downsample, px."""
        ...

    def block(self, downsample: int, top: int, left: int, side: int) -> NDArray[np.uint8]:
        """Up to (side, side, 3) RGB pixels of the picture at a downsample."""
        ...


@dataclass(frozen=True)
class ArrayPicture:
    """A picture held in memory.

    Attributes:
        levels: (h, w, 3) uint8 RGB by downsample.
    """

    levels: dict[int, NDArray[np.uint8]]

    def size(self, downsample: int) -> tuple[int, int]:
        """(height, width) at a downsample, px."""
        height, width = self.levels[downsample].shape[:2]
        return height, width

    def block(self, downsample: int, top: int, left: int, side: int) -> NDArray[np.uint8]:
        """Up to (side, side, 3) RGB pixels of the picture at a downsample."""
        return self.levels[downsample][top : top + side, left : left + side]


def array_picture(rgb: NDArray[np.uint8], downsamples: tuple[int, ...]) -> ArrayPicture:
    """Average a picture down to every level.

    Args:
        rgb: (H, W, 3) uint8.
        downsamples: Growing factors from 1, each a multiple of the one before.
    """
    levels = {downsamples[0]: rgb}
    for finer, coarser in pairwise(downsamples):
        height, width = (side // coarser for side in rgb.shape[:2])
        factor = coarser // finer
        source = levels[finer][: height * factor, : width * factor]
        levels[coarser] = cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA)
    return ArrayPicture(levels)


def write_aperio(
    path: Path, picture: Picture, downsamples: tuple[int, ...], mpp: float | None
) -> None:
    """Write a pyramid that OpenSlide opens as an Aperio slide.

    The file appears under its name only when it is whole.

    Args:
        path: File to write, .svs.
        picture: Where pixels come from; it is asked for one tile at a time.
        downsamples: Levels to write, the first is 1.
        mpp: Scale of level 0, um per pixel; None leaves it and the objective out of the file.
    """
    full = picture.size(downsamples[0])
    with atomic_path(path) as partial, tifffile.TiffWriter(partial) as tiff:
        for downsample in downsamples:
            height, width = picture.size(downsample)
            tiff.write(
                _tiles(picture, downsample),
                shape=(height, width, 3),
                dtype=np.uint8,
                tile=(TILE_PX, TILE_PX),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": JPEG_QUALITY},
                description=_description(full, (height, width), mpp),
                metadata=None,
                software=False,
                maxworkers=1,
            )


def _tiles(picture: Picture, downsample: int) -> Iterator[NDArray[np.uint8]]:
    height, width = picture.size(downsample)
    for top in range(0, height, TILE_PX):
        for left in range(0, width, TILE_PX):
            block = picture.block(downsample, top, left, TILE_PX)
            missing = (TILE_PX - block.shape[0], TILE_PX - block.shape[1])
            if any(missing):
                block = np.pad(block, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")
            yield block


def _description(full: tuple[int, int], level: tuple[int, int], mpp: float | None) -> str:
    height, width = full
    size = f"{width}x{height} [0,0 {width}x{height}] ({TILE_PX}x{TILE_PX})"
    if level != full:
        size += f" -> {level[1]}x{level[0]}"
    text = f"Aperio Image Library v11.2.1 \r\n{size} JPEG/RGB Q={JPEG_QUALITY}"
    if mpp is not None:
        text += f"|AppMag = {OBJECTIVE_MPP / mpp:g}|MPP = {mpp:.4f}"
    return text
