"""Whether two pyramid levels show the same picture, looked at in a few places."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import TileReadError
from slidesieve.slide.base import SlideReader

_WINDOWS = 4  # along each side
_WINDOW_PX = 96  # of the coarser level
_FLAT = 6.0  # standard deviation in grey levels below which a window is bare glass
_ALIKE = 0.6  # correlation of windows of the same place; resampling costs little of it


def shows_the_same(
    reader: SlideReader, level: int, downsample: float, finer: int, finer_downsample: float
) -> bool:
    """Compare windows all over a level with a finer one.

    Args:
        reader: The open slide; its px are addressed by `stated_downsamples`.
        level: The level in question.
        downsample: Level-0 px per px of it, to be tried.
        finer: A level that is known to fit.
        finer_downsample: Level-0 px per px of that one.

    Returns:
        False if most windows that show anything show something else.
    """
    likeness = list(_likeness(reader, level, downsample, finer, finer_downsample))
    return not likeness or float(np.median(likeness)) >= _ALIKE


def _likeness(
    reader: SlideReader, level: int, downsample: float, finer: int, finer_downsample: float
) -> Iterator[float]:
    """Yield the correlation of each pair of windows of which at least one is not bare."""
    finer_px = max(1, round(_WINDOW_PX * downsample / finer_downsample))
    for y in _starts(reader.height, _WINDOW_PX * downsample):
        for x in _starts(reader.width, _WINDOW_PX * downsample):
            try:
                theirs = _grey(reader, x / downsample, y / downsample, level, _WINDOW_PX)
                ours = _grey(reader, x / finer_downsample, y / finer_downsample, finer, finer_px)
            except TileReadError:
                continue
            ours = cv2.resize(ours, theirs.shape[::-1], interpolation=cv2.INTER_AREA)
            pair = [cv2.GaussianBlur(window, (0, 0), 1.5) for window in (theirs, ours)]
            spread = [float(window.std()) for window in pair]
            if max(spread) >= _FLAT:
                is_bare = min(spread) < _FLAT / 4
                yield 0.0 if is_bare else float(np.corrcoef(*(w.ravel() for w in pair))[0, 1])


def _grey(
    reader: SlideReader, x_px: float, y_px: float, level: int, side: int
) -> NDArray[np.float32]:
    """Read a window at px of its own level."""
    stated = reader.stated_downsamples[level]
    region = np.empty((side, side, 3), np.uint8)
    reader._read_into(region, round(x_px * stated), round(y_px * stated), level)
    return cv2.cvtColor(region, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _starts(extent: int, window: float) -> list[float]:
    """Where windows start along a side, the first and the last at its ends."""
    return np.linspace(0, max(0.0, extent - window), _WINDOWS).tolist()
