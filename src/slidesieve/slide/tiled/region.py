"""A region of a level put together from stored tiles, to the bit as OpenSlide draws it.

OpenSlide 4 lays every stored tile on the region with cairo, from the lower right to the upper left,
operator SATURATE, at (x, y) / downsample minus the tile's corner. Where that is whole px it copies.
Elsewhere pixman interpolates bilinearly in 32-bit floats; px between two tiles, or at the slide's
edge, are sums of partly transparent ones, stored in 8 bits after each tile. The arithmetic below is
theirs (pixman-bits-image.c, pixman-combine-float.c, pixman-utils.c), in their order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from slidesieve.slide.base import compose_on
from slidesieve.slide.tiled.structure import StoredLevel

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
TileAt = Callable[[int, int], Pixels]
# Tiles, px of the region made of the px of each alone, and which px of the tile these are.
Overlaps = tuple[tuple[int, slice, slice], ...]

_FIXED = 65536  # pixman's coordinates have 16 binary digits behind the point
_OF_255 = np.float32(1 / 255)
# Axes remembered: the tiles of a grid share those of its rows and columns.
_AXES = 2048


@dataclass(frozen=True)
class Axis:
    """One axis of a region over the tiles of a level.

    Attributes:
        start: First tile that is touched.
        end: One past the last.
        tile_px: Length of a tile along the axis.
        offset: Where the region starts in tile `start`, px of the level, not rounded.
        shift: Px at the region's start that lie before the level.
        length: Px of the region.
        extent: Px of the level.
    """

    start: int
    end: int
    tile_px: int
    offset: float
    shift: int
    length: int
    extent: int

    @cached_property
    def is_whole(self) -> bool:
        """Whether tiles lie at whole px of the region."""
        return round(self.offset * _FIXED) % _FIXED == 0

    @cached_property
    def spans_a_tile(self) -> bool:
        """Whether the region is one tile, all of which belongs to the level."""
        is_at_a_tile = self.offset == self.shift == 0
        return is_at_a_tile and self.length == self.tile_px == self.stored_px(self.start)

    @cached_property
    def copied(self) -> Overlaps:
        """What is copied where tiles lie at whole px of the region."""
        return self._overlaps(window=1)

    @cached_property
    def interpolated(self) -> Overlaps:
        """What is interpolated within tiles where they do not."""
        return self._overlaps(window=2)

    @cached_property
    def copied_px(self) -> int:
        """Px of the region that are in `copied`."""
        return sum(in_region.stop - in_region.start for _, in_region, _ in self.copied)

    def place(self, tile: int) -> int:
        """Where a tile's corner lies in the region, in 1/65536 px."""
        return round(((tile - self.start) * self.tile_px - self.offset + self.shift) * _FIXED)

    def stored_px(self, tile: int) -> int:
        """Px of a tile that belong to the level."""
        return min(self.tile_px, self.extent - tile * self.tile_px)

    def _overlaps(self, window: int) -> Overlaps:
        overlaps = []
        for tile in range(self.start, self.end):
            # Px i of the region is interpolated between px i - place and the next, rounded down.
            place = -(-self.place(tile) // _FIXED)
            first = max(place, self.shift)
            last = min(place + self.stored_px(tile) - window + 1, self.length)
            if first < last:
                source = slice(first - place, last - place + window - 1)
                overlaps.append((tile, slice(first, last), source))
        return tuple(overlaps)


@lru_cache(_AXES)
def axis_of(
    position_level0: int, downsample: float, length: int, tile_px: int, extent: int
) -> Axis:
    """Lay one axis of a region over the tiles, as OpenSlide does.

    Args:
        position_level0: Where the region starts, level-0 px.
        downsample: Level-0 px per px of the level.
        length: Px of the region.
        tile_px: Px of a tile.
        extent: Px of the level.
    """
    shift = int(-position_level0 / downsample) if position_level0 < 0 else 0
    position = max(0, position_level0) / downsample
    visible = length - shift
    start = int(position / tile_px)
    end = min(math.ceil((position + visible) / tile_px), -(-extent // tile_px))
    if visible <= 0:
        end = start
    return Axis(start, end, tile_px, position - start * tile_px, shift, length, extent)


def count_touches(
    level: StoredLevel, downsample: float, regions: NDArray[np.int64]
) -> dict[int, int]:
    """How many regions need each stored tile: `touched_tiles` of all of them, counted.

    Args:
        level: The level they are read from.
        downsample: Level-0 px per px of it.
        regions: int64 (N, 4), left and top in level-0 px, width and height in px of the level.
    """
    x, y, width, height = regions.T
    left, right = _spans(x, downsample, width, level.tile_width, level.tiles_across)
    top, bottom = _spans(y, downsample, height, level.tile_height, level.tiles_down)
    touches = np.zeros(level.tiles_across * level.tiles_down, np.int64)
    for down in range(max(0, (bottom - top).max(initial=0))):
        for across in range(max(0, (right - left).max(initial=0))):
            row, column = top + down, left + across
            needed = (row < bottom) & (column < right)
            np.add.at(touches, (row * level.tiles_across + column)[needed], 1)
    numbers = np.flatnonzero(touches)
    return dict(zip(numbers.tolist(), touches[numbers].tolist(), strict=True))


def _spans(
    positions: NDArray[np.int64],
    downsample: float,
    lengths: NDArray[np.int64],
    tile_px: int,
    n_tiles: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and end of `axis_of` for many regions."""
    visible = lengths - np.trunc(np.maximum(0, -positions) / downsample)
    inside = np.maximum(0, positions) / downsample
    start = np.trunc(inside / tile_px).astype(np.int64)
    end = np.minimum(np.ceil((inside + visible) / tile_px).astype(np.int64), n_tiles)
    return start, np.where(visible > 0, end, start)


def touched_tiles(level: StoredLevel, across: Axis, down: Axis) -> list[int]:
    """Numbers of the stored tiles that a region needs, in the order they are drawn."""
    return [
        row * level.tiles_across + column
        for row in range(down.end - 1, down.start - 1, -1)
        for column in range(across.end - 1, across.start - 1, -1)
    ]


def draw_region(
    tiles: Mapping[int, Pixels],
    level: StoredLevel,
    across: Axis,
    down: Axis,
    background: Colour,
    region: Pixels,
) -> None:
    """Draw a region from its decoded tiles.

    Args:
        tiles: RGB by number, all that `touched_tiles` names.
        level: Their level.
        across: The region's horizontal axis.
        down: Its vertical axis.
        background: What shows where the level has no px.
        region: RGB (down.length, across.length, 3), written to.
    """

    def tile(row: int, column: int) -> Pixels:
        return tiles[row * level.tiles_across + column]

    if across.is_whole and down.is_whole:
        _copy(tile, across, down, background, region)
    else:
        _interpolate(tile, across, down, background, region)


def _copy(tile: TileAt, across: Axis, down: Axis, background: Colour, region: Pixels) -> None:
    if across.copied_px < across.length or down.copied_px < down.length:
        region[:] = background
    for row, region_y, tile_y in down.copied:
        for column, region_x, tile_x in across.copied:
            region[region_y, region_x] = tile(row, column)[tile_y, tile_x]


def _interpolate(
    tile: TileAt, across: Axis, down: Axis, background: Colour, region: Pixels
) -> None:
    rows, columns = down.interpolated, across.interpolated
    for row, region_y, tile_y in rows:
        for column, region_x, tile_x in columns:
            region[region_y, region_x] = _inside_a_tile(
                tile(row, column)[tile_y, tile_x],
                _fraction(across.place(column)),
                _fraction(down.place(row)),
            )
    for y in _gaps(rows, down.length):
        region[y] = _between_tiles(tile, across, down, slice(0, across.length), y, background)
    for x in _gaps(columns, across.length):
        region[:, x] = _between_tiles(tile, across, down, x, slice(0, down.length), background)


def _gaps(overlaps: Overlaps, length: int) -> Iterator[slice]:
    """Parts of the region that lie within no single tile."""
    position = 0
    for _, in_region, _ in overlaps:
        if in_region.start > position:
            yield slice(position, in_region.start)
        position = in_region.stop
    if position < length:
        yield slice(position, length)


def _fraction(place: int) -> np.float32:
    return np.float32(-place % _FIXED) * np.float32(1 / _FIXED)


def _weights(x: np.float32, y: np.float32) -> tuple[np.float32, ...]:
    """Weights of the upper left, upper right, lower left and lower right px."""
    one = np.float32(1)
    return (one - x) * (one - y), x * (one - y), (one - x) * y, x * y


def _inside_a_tile(source: Pixels, x: np.float32, y: np.float32) -> Pixels:
    """Interpolate RGB (h + 1, w + 1, 3) to (h, w, 3)."""
    scaled = source.astype(np.float32)
    scaled *= _OF_255
    corners = scaled[:-1, :-1], scaled[:-1, 1:], scaled[1:, :-1], scaled[1:, 1:]
    weights = _weights(x, y)
    total = corners[0] * weights[0]
    product = np.empty_like(total)
    for corner, weight in zip(corners[1:], weights[1:], strict=True):
        total += np.multiply(corner, weight, out=product)
    alpha = sum(weights[1:], start=weights[0])
    if alpha > 1:
        total *= np.float32(1) / alpha
    return _to_8_bits(total)


def _to_8_bits(values: NDArray[np.float32]) -> Pixels:
    values *= np.float32(256)
    return np.minimum(values, np.float32(255), out=values).astype(np.uint8)


def _between_tiles(
    tile: TileAt, across: Axis, down: Axis, x: slice, y: slice, background: Colour
) -> Pixels:
    """Draw the part (y, x) of a region tile after tile, each partly transparent at its border."""
    drawn = np.zeros((y.stop - y.start, x.stop - x.start, 4), np.uint8)
    for row in range(down.end - 1, down.start - 1, -1):
        from_y, y_is_inside = _window(down, row, y)
        if not y_is_inside.any():
            continue
        for column in range(across.end - 1, across.start - 1, -1):
            from_x, x_is_inside = _window(across, column, x)
            if not x_is_inside.any():
                continue
            window = np.zeros((len(from_y), len(from_x), 4), np.float32)
            window[..., :3] = tile(row, column)[np.ix_(from_y, from_x)]
            window[..., 3] = 255
            window *= _OF_255 * np.outer(y_is_inside, x_is_inside).astype(np.float32)[..., None]
            weights = _weights(_fraction(across.place(column)), _fraction(down.place(row)))
            source = window[:-1, :-1] * weights[0] + window[:-1, 1:] * weights[1]
            source += window[1:, :-1] * weights[2]
            source += window[1:, 1:] * weights[3]
            drawn = _saturate(source, drawn)
    colour, alpha = drawn[..., :3].astype(np.int64), drawn[..., 3:].astype(np.int64)
    straight = 255 * colour // np.maximum(alpha, 1)
    return compose_on(np.concatenate([straight, alpha], axis=2).astype(np.uint8), background)


def _window(axis: Axis, tile: int, part: slice) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Which px of a tile the px of a part are made of, one more than these, and if it has them."""
    first = part.start + (-axis.place(tile) // _FIXED)
    px = np.arange(first, first + part.stop - part.start + 1)
    stored = axis.stored_px(tile)
    return np.clip(px, 0, stored - 1), (px >= 0) & (px < stored)


def _saturate(source: NDArray[np.float32], drawn: Pixels) -> Pixels:
    """Operator SATURATE: as much of the source as the drawn px still lack."""
    below = drawn.astype(np.float32) * _OF_255
    alpha = source[..., 3:]
    lacking = np.float32(1) - below[..., 3:]
    share = np.divide(lacking, alpha, out=np.ones_like(alpha), where=alpha > 0)
    share = np.clip(share, np.float32(0), np.float32(1))
    return _to_8_bits(np.minimum(source * share + below, np.float32(1)))
