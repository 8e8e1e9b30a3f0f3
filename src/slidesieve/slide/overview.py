"""The scanned area of a slide as one small picture, at a stated mpp and in little memory."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.levels import NOT_USED
from slidesieve.slide.scale import coarsest_level

log = logging.getLogger(__name__)

DEFAULT_OVERVIEW_MPP = 8.0
_BLOCK_PX = 1024
_SMALLEST_RETRY_PX = 128


@dataclass(frozen=True)
class Overview:
    """A thumbnail whose scale is known.

    Attributes:
        rgb: (h, w, 3) uint8; pixel (row, column) spans level-0 px
            left + [column, column + 1) × downsample and top + [row, row + 1) × downsample.
        downsample: Level-0 px per overview px.
        unreadable_share: Share of `rgb` that no pyramid level could give; it is white.
        left: Where the scanned area starts, level-0 px.
        top: The same downwards.
    """

    rgb: NDArray[np.uint8]
    downsample: float
    unreadable_share: float
    left: int = 0
    top: int = 0

    def from_corner(self, coords: NDArray[np.int64]) -> NDArray[np.int64]:
        """Places (N, 2) in level-0 px, counted from the corner of this picture."""
        return coords - np.array([self.left, self.top])


class _Box(NamedTuple):
    """A rectangle in overview px."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)


def read_overview(
    reader: SlideReader,
    mpp_slide: float,
    target_mpp: float = DEFAULT_OVERVIEW_MPP,
    max_unreadable_share: float = 1.0,
) -> Overview:
    """Read a thumbnail at a stated mpp, area-averaged from the nearest finer level.

    The level is read in blocks, so that memory stays small even if a gigapixel slide has one
    level only. What cannot be decoded on a level is tried on the finer ones, then left white.

    Args:
        reader: The open slide.
        mpp_slide: µm per level-0 px.
        target_mpp: µm per overview px; a slide coarser than that keeps its own scale.
        max_unreadable_share: Share (0 to 1) of the slide that may be unreadable.

    Raises:
        SlideError: More than `max_unreadable_share` of the slide cannot be decoded.
    """
    downsample = max(1.0, target_mpp / mpp_slide)
    # A strip narrower than one overview pixel at the right and lower edge is left out, so that
    # every overview pixel has the same size.
    width = max(1, int(reader.bounds.width / downsample))
    height = max(1, int(reader.bounds.height / downsample))
    canvas = np.full((height, width, 3), 255, np.uint8)
    allowed_px = max_unreadable_share * width * height

    pending, failed_px = [_Box(0, 0, width, height)], 0
    coarsest = coarsest_level(reader.level_downsamples, downsample)
    for level in (number for number in range(coarsest, -1, -1) if _is_used(reader, number)):
        failed: list[_Box] = []
        failed_px = 0
        for box in _paint_level(reader, level, downsample, pending, canvas):
            failed.append(box)
            failed_px += box.area
            if level == 0 and failed_px > allowed_px:
                raise SlideError(
                    f"more than {max_unreadable_share:.0%} of the slide cannot be decoded; "
                    "the file is damaged or cut off"
                )
        if not failed:
            break
        log.warning("level %d has unreadable parts (%d overview px)", level, failed_px)
        pending = failed
    left, top, *_ = reader.bounds
    return Overview(canvas, downsample, failed_px / (width * height), left, top)


def _is_used(reader: SlideReader, level: int) -> bool:
    return reader.level_downsamples[level] < NOT_USED


def _paint_level(
    reader: SlideReader,
    level: int,
    downsample: float,
    boxes: list[_Box],
    canvas: NDArray[np.uint8],
) -> Iterator[_Box]:
    """Fill boxes of the canvas from one level; yield the parts that cannot be decoded."""
    step = downsample / reader.level_downsamples[level]
    block = max(1, int(_BLOCK_PX / step))
    smallest = max(1, int(_SMALLEST_RETRY_PX / step))
    stack = [part for box in boxes for part in _split(box, block)][::-1]
    regions = [_region(reader, level, downsample, box) for box in reversed(stack)]
    reader.expect(level, np.array(regions, dtype=np.int64))
    while stack:
        box = stack.pop()
        try:
            canvas[box.top : box.bottom, box.left : box.right] = _read_box(
                reader, level, downsample, box
            )
        except TileReadError:
            side = max(box.right - box.left, box.bottom - box.top)
            if side <= smallest:
                yield box
            else:
                stack.extend(_split(box, max(smallest, (side + 1) // 2)))


def _read_box(reader: SlideReader, level: int, downsample: float, box: _Box) -> NDArray[np.uint8]:
    x, y, width, height = _region(reader, level, downsample, box)
    pixels = reader.read_region(x, y, level, width, height)
    size = (box.right - box.left, box.bottom - box.top)
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def _region(
    reader: SlideReader, level: int, downsample: float, box: _Box
) -> tuple[int, int, int, int]:
    """Left and top of a box in level-0 px, its width and height in px of a level."""
    # The edges are rounded to whole px of the level: nothing moves by more than half of one.
    step = downsample / reader.level_downsamples[level]
    x, y, *_ = reader.bounds
    left, top = round(box.left * step), round(box.top * step)
    right = min(_extent_px(reader, level, 0), round(box.right * step))
    bottom = min(_extent_px(reader, level, 1), round(box.bottom * step))
    return (
        x + round(box.left * downsample),
        y + round(box.top * downsample),
        max(1, right - left),
        max(1, bottom - top),
    )


def _extent_px(reader: SlideReader, level: int, axis: int) -> int:
    """Px of a level from the corner of the scanned area to the end of the level along an axis."""
    step = reader.level_downsamples[level]
    start, length = reader.bounds[axis], reader.bounds[axis + 2]
    stored = reader.level_dimensions[level][axis] - start / step
    due = length / step
    # A level may be a px short by rounding; one that is shorter still lacks what pads level 0.
    return math.ceil(stored if due - 1 <= stored else due)


def _split(box: _Box, side: int) -> list[_Box]:
    return [
        _Box(left, top, min(left + side, box.right), min(top + side, box.bottom))
        for top in range(box.top, box.bottom, side)
        for left in range(box.left, box.right, side)
    ]
