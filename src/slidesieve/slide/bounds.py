"""The part of a slide that was scanned, where the file says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import shapely
from shapely.geometry import Polygon


class Bounds(NamedTuple):
    """A rectangle in level-0 px."""

    x: int
    y: int
    width: int
    height: int

    @property
    def box(self) -> Polygon:
        """The same rectangle as a polygon."""
        return shapely.box(self.x, self.y, self.x + self.width, self.y + self.height)


def stated_bounds(properties: Mapping[str, str], width: int, height: int) -> Bounds:
    """Return the scanned area that a file states, or else the whole slide.

    MIRAX, Leica SCN and Ventana BIF lay the scanned areas on a larger plane, which is OpenSlide's
    level 0. QuPath shows the bounds alone, and counts from their corner; like QuPath, this takes
    them only if all four are stated.

    Args:
        properties: OpenSlide's properties of the slide.
        width: Width of level 0, px.
        height: Height of level 0, px.
    """
    names = [f"openslide.bounds-{side}" for side in ("x", "y", "width", "height")]
    whole = Bounds(0, 0, width, height)
    try:
        x, y, wide, high = (int(properties[name]) for name in names)
    except (KeyError, ValueError):
        return whole
    left, top = max(0, x), max(0, y)
    right, bottom = min(width, x + wide), min(height, y + high)
    if left >= right or top >= bottom:
        return whole
    return Bounds(left, top, right - left, bottom - top)
