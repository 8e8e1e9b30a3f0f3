"""A region of a level put together from stored tiles, to the bit as OpenSlide draws it.

OpenSlide 4 lays every stored tile on the region with cairo, from the lower right to the upper left,
operator SATURATE, at (x, y) / downsample minus the tile's corner. Where that is whole px it copies.
Elsewhere pixman interpolates bilinearly in 32-bit floats; px between two tiles, or at the slide's
edge, are sums of partly transparent ones, stored in 8 bits after each tile. The arithmetic below is
theirs (pixman-bits-image.c, pixman-combine-float.c, pixman-utils.c), in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from slidesieve.slide.base import compose_on
from slidesieve.slide.tiled.axis import FIXED, Axis, Overlaps
from slidesieve.slide.tiled.structure import StoredLevel

Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]
TileAt = Callable[[int, int], Pixels]

_OF_255 = np.float32(1 / 255)


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
    return np.float32(-place % FIXED) * np.float32(1 / FIXED)


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
    first = part.start + (-axis.place(tile) // FIXED)
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
