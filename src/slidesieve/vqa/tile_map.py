"""A small map of a slide's tiles as SVG: where a model looked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from slidesieve.figures.style import LIGHT_GREY, colour_of

_WIDTH_PX = 240
_TALLEST_PX = 300


def tile_map(coords: NDArray[np.int64], used: NDArray[np.int64], pitch: float) -> str:
    """Return markup: all tiles in grey, those a model looked at in colour.

    Tiles become squares of whole units on a grid of the pitch, and squares of one kind one path,
    so that 100,000 tiles are a few hundred kilobytes.

    Args:
        coords: (N, 2) top-left corners of all tiles, level-0 px.
        used: (M, 2) those of the tiles looked at.
        pitch: Distance of neighbouring tiles in level-0 px.
    """
    step = pitch if pitch > 0 else 1.0
    low = coords.min(axis=0)
    cells, marked = (np.round((xy - low) / step).astype(int) for xy in (coords, used))
    width, height = (cells.max(axis=0) + 1).tolist()
    scale = min(_WIDTH_PX / width, _TALLEST_PX / height)
    return (
        f'<svg width="{width * scale:.0f}" height="{height * scale:.0f}" '
        f'viewBox="0 0 {width} {height}" role="img" aria-label="tiles looked at">'
        f'<path fill="{LIGHT_GREY}" d="{_squares(cells)}"/>'
        f'<path fill="{colour_of(0)}" d="{_squares(marked)}"/></svg>'
    )


def _squares(cells: NDArray[np.int64]) -> str:
    distinct = sorted({(y, x) for x, y in cells.tolist()})
    return "".join(f"M{x} {y}h1v1h-1z" for y, x in distinct)
