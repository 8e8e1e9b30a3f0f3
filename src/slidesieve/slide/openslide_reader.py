"""Slides through OpenSlide: the reader for every format it knows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import openslide
from numpy.typing import NDArray

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.base import SlideReader, compose_on
from slidesieve.slide.bounds import stated_bounds
from slidesieve.slide.levels import judge_levels
from slidesieve.slide.same_picture import shows_the_same
from slidesieve.slide.scale import stated_mpp

_WHITE = (255, 255, 255)


class OpenSlideReader(SlideReader):
    """A slide opened by OpenSlide.

    Args:
        path: The slide's file.

    Raises:
        SlideError: OpenSlide cannot open it.
    """

    name = "openslide"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._slide: openslide.OpenSlide | None = _open(path)
        properties = self._slide.properties
        self.level_dimensions = self._slide.level_dimensions
        self.stated_downsamples = self._slide.level_downsamples
        self.bounds = stated_bounds(properties, self.width, self.height)
        self.background = _background(properties)
        levels = judge_levels(
            self.level_dimensions,
            _tile_sizes(properties, len(self.level_dimensions)),
            self.stated_downsamples,
            partial(shows_the_same, self),
        )
        self.level_downsamples = tuple(level.downsample for level in levels)
        self.level_notes = tuple(level.note for level in levels if level.note)
        self.mpp, self.mpp_note = stated_mpp(
            properties.get(openslide.PROPERTY_NAME_MPP_X),
            properties.get(openslide.PROPERTY_NAME_MPP_Y),
        )
        self.objective = _objective(properties)
        self.vendor = properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown")

    def _read_into(
        self, region: NDArray[np.uint8], x_stated: int, y_stated: int, level: int
    ) -> None:
        height_px, width_px = region.shape[:2]
        if self._slide is None:
            self._slide = _open(self._path)
        try:
            image = self._slide.read_region((x_stated, y_stated), level, (width_px, height_px))
        except openslide.OpenSlideError as error:
            # A handle that failed once refuses every later read: the next one needs a new handle.
            self.close()
            raise TileReadError(
                f"{self._path.name}: {width_px}×{height_px} px of level {level} at level-0 "
                f"({x_stated}, {y_stated}) cannot be decoded: {error}"
            ) from error
        region[:] = compose_on(np.asarray(image), self.background)

    def close(self) -> None:
        """Release the file."""
        if self._slide is not None:
            self._slide.close()
            self._slide = None


def _open(path: Path) -> openslide.OpenSlide:
    try:
        return openslide.OpenSlide(path)
    except openslide.OpenSlideUnsupportedFormatError:
        raise SlideError(
            f"{path.name} is in no format that OpenSlide reads, or cut off before its directory"
        ) from None
    except openslide.OpenSlideError as error:
        fault = "is packed in a way that OpenSlide does not read" if _lacks(error) else "is damaged"
        raise SlideError(f"{path.name} {fault}: {error}") from error


def _lacks(error: Exception) -> bool:
    """Whether OpenSlide lacks something, and nothing is wrong with the file."""
    return any(word in str(error).lower() for word in ("unsupported", "not support", "not config"))


def _tile_sizes(properties: Mapping[str, str], n_levels: int) -> list[tuple[int, int]]:
    """(width, height) of each level's stored tiles in px, (1, 1) where OpenSlide does not know."""
    return [
        (
            int(properties.get(f"openslide.level[{level}].tile-width", 1)),
            int(properties.get(f"openslide.level[{level}].tile-height", 1)),
        )
        for level in range(n_levels)
    ]


def _objective(properties: Mapping[str, str]) -> float | None:
    try:
        power = float(properties.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER, "nan"))
    except ValueError:
        return None
    return power if 0 < power <= 200 else None


def _background(properties: Mapping[str, str]) -> tuple[int, int, int]:
    text = properties.get(openslide.PROPERTY_NAME_BACKGROUND_COLOR)
    if text is None:
        return _WHITE
    red, green, blue = bytes.fromhex(text)
    return red, green, blue
