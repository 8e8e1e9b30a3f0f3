"""One axis of a region laid over the stored tiles of a level, as OpenSlide lays it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

# Tiles, px of the region made of the px of each alone, and which px of the tile these are.
Overlaps = tuple[tuple[int, slice, slice], ...]

FIXED = 65536  # pixman's coordinates have 16 binary digits behind the point
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
        return round(self.offset * FIXED) % FIXED == 0

    @cached_property
    def spans_a_tile(self) -> bool:
        """Whether the region is one tile, all of which belongs to the level."""
        is_at_a_tile = self.offset == self.shift == 0
        return is_at_a_tile and self.length == self.tile_px == self.stored_px(self.start)

    @cached_property
    def copied(self) -> Overlaps:
        """The runs that are copied where tiles lie at whole px of the region."""
        return self._overlaps(window=1)

    @cached_property
    def interpolated(self) -> Overlaps:
        """The places that are interpolated within tiles where they do not."""
        return self._overlaps(window=2)

    @cached_property
    def copied_px(self) -> int:
        """Px of the region that are in `copied`."""
        return sum(in_region.stop - in_region.start for _, in_region, _ in self.copied)

    def place(self, tile: int) -> int:
        """Where a tile's corner lies in the region, in 1/65536 px."""
        return round(((tile - self.start) * self.tile_px - self.offset + self.shift) * FIXED)

    def stored_px(self, tile: int) -> int:
        """Px of a tile that belong to the level."""
        return min(self.tile_px, self.extent - tile * self.tile_px)

    def _overlaps(self, window: int) -> Overlaps:
        overlaps = []
        for tile in range(self.start, self.end):
            # Px i of the region is interpolated between px i - place and the next, rounded down.
            place = -(-self.place(tile) // FIXED)
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
