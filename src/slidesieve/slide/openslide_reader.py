"""Slides through OpenSlide: the reader for every format it knows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openslide
from numpy.typing import NDArray

from slidesieve.errors import SlideError, TileReadError
from slidesieve.slide.base import SlideReader, compose_on
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
        self.level_downsamples = self._slide.level_downsamples
        self.mpp, self.mpp_note = stated_mpp(
            properties.get(openslide.PROPERTY_NAME_MPP_X),
            properties.get(openslide.PROPERTY_NAME_MPP_Y),
        )
        self.objective = _objective(properties)
        self.vendor = properties.get(openslide.PROPERTY_NAME_VENDOR, "unknown")
        self.background = _background(properties)

    def _read_into(
        self, region: NDArray[np.uint8], x_level0: int, y_level0: int, level: int
    ) -> None:
        height_px, width_px = region.shape[:2]
        if self._slide is None:
            self._slide = _open(self._path)
        try:
            image = self._slide.read_region((x_level0, y_level0), level, (width_px, height_px))
        except openslide.OpenSlideError as error:
            # A handle that failed once refuses every later read: the next one needs a new handle.
            self.close()
            raise TileReadError(
                f"{self._path.name}: {width_px}×{height_px} px of level {level} at level-0 "
                f"({x_level0}, {y_level0}) cannot be decoded: {error}"
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
        raise SlideError(f"{path.name} is damaged: {error}") from error


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
