"""Deep Zoom tiles of any slide that SlideSieve reads, by OpenSlide's generator."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
import openslide
from numpy.typing import NDArray
from openslide.deepzoom import DeepZoomGenerator
from PIL import Image

from slidesieve.slide.base import SlideReader
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview

TILE_PX, OVERLAP_PX = 254, 1
# A tile for which more must be decoded (a single-level slide, seen from afar) is cut from a
# picture of the whole slide, which is read in blocks and kept.
_MOST_READ_PX = 1 << 24
_OPEN_SLIDES = 4

Answer = TypeVar("Answer")


class _AsOpenSlide(openslide.AbstractSlide):
    """One of our readers under the interface that the generator wants."""

    def __init__(self, reader: SlideReader) -> None:
        self._reader = reader

    @property
    def level_count(self) -> int:
        return len(self._reader.level_dimensions)

    @property
    def level_dimensions(self) -> tuple[tuple[int, int], ...]:
        return self._reader.level_dimensions

    @property
    def level_downsamples(self) -> tuple[float, ...]:
        return self._reader.level_downsamples

    @property
    def properties(self) -> Mapping[str, str]:
        x, y, width, height = self._reader.bounds
        return {
            openslide.PROPERTY_NAME_BOUNDS_X: str(x),
            openslide.PROPERTY_NAME_BOUNDS_Y: str(y),
            openslide.PROPERTY_NAME_BOUNDS_WIDTH: str(width),
            openslide.PROPERTY_NAME_BOUNDS_HEIGHT: str(height),
            openslide.PROPERTY_NAME_BACKGROUND_COLOR: bytes(self._reader.background).hex(),
        }

    @property
    def associated_images(self) -> Mapping[str, Image.Image]:
        return {}

    def get_best_level_for_downsample(self, downsample: float) -> int:
        # Levels that show something else have an infinite downsample, so they are never chosen.
        fitting = [
            (step, level)
            for level, step in enumerate(self._reader.level_downsamples)
            if step <= downsample
        ]
        return max(fitting)[1]

    def read_region(
        self, location: tuple[int, int], level: int, size: tuple[int, int]
    ) -> Image.Image:
        return Image.fromarray(self._reader.read_region(*location, level, *size)).convert("RGBA")

    def close(self) -> None:
        self._reader.close()

    @classmethod
    def detect_format(cls, filename: str | bytes | PathLike) -> str | None:
        raise NotImplementedError


class DeepZoomSlide:
    """The scanned area of an open slide as a pyramid of tiles, each level half as fine.

    Args:
        reader: The slide; it is closed with this object.

    Attributes:
        width: Of the scanned area, level-0 px.
        height: Of the scanned area, level-0 px.
        left: Where it starts, level-0 px.
        top: The same downwards.
        level_count: Deep Zoom levels; the last is level 0 of the slide.
    """

    def __init__(self, reader: SlideReader) -> None:
        self._reader = reader
        self._tiles = DeepZoomGenerator(_AsOpenSlide(reader), TILE_PX, OVERLAP_PX, True)
        self.left, self.top, *_ = reader.bounds
        self.width, self.height = self._tiles.level_dimensions[-1]
        self.level_count = self._tiles.level_count
        coarse = [level for level in range(self.level_count) if self._reads_too_much(level)]
        self._coarse = max(coarse, default=-1)
        self._whole: NDArray[np.uint8] | None = None

    def tile(self, level: int, column: int, row: int) -> Image.Image:
        """Return a tile, RGB, of 254 px with one px of its neighbours around it.

        Raises:
            ValueError: There is no such tile.
            TileReadError: It cannot be decoded.
        """
        width, height = self._tiles.get_tile_dimensions(level, (column, row))
        if level > self._coarse:
            return self._tiles.get_tile(level, (column, row))
        left, top = (max(0, at * TILE_PX - OVERLAP_PX) for at in (column, row))
        return Image.fromarray(self._picture(level)).crop((left, top, left + width, top + height))

    def thumbnail(self, longest_px: int) -> Image.Image | None:
        """Return the whole slide as one small picture; None if all of it had to be decoded."""
        sizes = self._tiles.level_dimensions
        level = max(n for n, size in enumerate(sizes) if max(size) <= TILE_PX)
        if level <= self._coarse:
            return None
        tile = self.tile(level, 0, 0)
        tile.thumbnail((longest_px, longest_px))
        return tile

    def close(self) -> None:
        """Close the slide."""
        self._reader.close()

    def _reads_too_much(self, level: int) -> bool:
        *_, size = self._tiles.get_tile_coordinates(level, (0, 0))
        return size[0] * size[1] > _MOST_READ_PX

    def _picture(self, level: int) -> NDArray[np.uint8]:
        """The whole scanned area at the scale of a level; what cannot be decoded is white."""
        if self._whole is None:
            step = 2.0 ** (self.level_count - 1 - self._coarse)
            self._whole = read_overview(self._reader, 1.0, step).rgb
        size = self._tiles.level_dimensions[level]
        return cv2.resize(self._whole, size, interpolation=cv2.INTER_AREA)


class OpenSlides:
    """Slides that stay open between requests: the few that were looked at last.

    One request reads at a time, since a reader is not always one that threads may share.

    Args:
        path_of: Gives the file of a slide.
    """

    def __init__(self, path_of: Callable[[str], Path]) -> None:
        self._path_of = path_of
        self._open: OrderedDict[str, DeepZoomSlide] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, slide_id: str, ask: Callable[[DeepZoomSlide], Answer]) -> Answer:
        """Open a slide if need be, and ask it something.

        Raises:
            SlideError: The slide cannot be opened.
        """
        with self._lock:
            if slide_id not in self._open:
                self._open[slide_id] = DeepZoomSlide(open_slide(self._path_of(slide_id)))
            self._open.move_to_end(slide_id)
            if len(self._open) > _OPEN_SLIDES:
                self._open.popitem(last=False)[1].close()
            return ask(self._open[slide_id])

    def close(self) -> None:
        """Close all slides."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()
