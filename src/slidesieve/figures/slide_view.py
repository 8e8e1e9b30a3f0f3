"""A slide's pixels for figures: its overview and some of its tiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import Overview, read_overview
from slidesieve.store.tile_records import TileSpec
from slidesieve.tiling.spec import read_tile


@dataclass(frozen=True)
class SlideView:
    """Pixels of one slide.

    Attributes:
        overview: The whole slide.
        tiles: Pictures (tile_px, tile_px, 3) of some tiles by their row.
    """

    overview: Overview
    tiles: dict[int, NDArray[np.uint8]]


def view_slide(
    path: Path,
    spec: TileSpec,
    coords: NDArray[np.int64],
    rows: Iterable[int],
    longest_side_px: int | None = None,
) -> SlideView:
    """Read the overview of a slide and some tiles.

    Args:
        path: The slide.
        spec: Of its tiles.
        coords: (N, 2) top-left corners of all tiles, level-0 px.
        rows: Which tiles to read; repetitions are read once.
        longest_side_px: Of the overview; at 8 µm per px if not given.

    Raises:
        SlideError: The slide or one of the tiles, which had features, cannot be read any more.
    """
    with open_slide(path) as reader:
        if longest_side_px is None:
            overview = read_overview(reader, spec.slide_mpp)
        else:
            shown_mpp = max(reader.bounds[2:]) * spec.slide_mpp / longest_side_px
            overview = read_overview(reader, spec.slide_mpp, shown_mpp)
        try:
            tiles = {row: read_tile(reader, spec, *coords[row]) for row in dict.fromkeys(rows)}
        except TileReadError as error:
            raise SlideError(
                f"a tile that has features cannot be read any more: {error}"
            ) from error
    return SlideView(overview, tiles)
