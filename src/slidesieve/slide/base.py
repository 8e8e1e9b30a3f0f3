"""The one interface through which SlideSieve sees pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.slide.bounds import Bounds


class DeclinedError(Exception):
    """The file is better left to another reader; the message says why, as a clause."""


class SlideReader(ABC):
    """An open slide. Use it as a context manager, and one per thread unless it may be shared.

    Attributes:
        name: The reader's name, written into outputs.
        mpp: µm per level-0 px as the file states it; None when missing or implausible.
        mpp_note: Why `mpp` is None, a clause for error messages; "" otherwise.
        objective: Objective power as the file states it, None when missing.
        vendor: Format of the file ("aperio", "hamamatsu", …).
        level_dimensions: (width, height) in px of each level, the finest first.
        level_downsamples: How many level-0 px one px of each level truly spans; infinite where a
            level does not show what level 0 shows, so that nothing chooses it.
        stated_downsamples: The same as the file has them, by which its px are addressed.
        level_notes: What is wrong with levels, a clause per level that is.
        bounds: The scanned area; the whole of level 0 where the file states none.
        background: RGB shown where the slide stores nothing.
        may_be_shared: Whether threads may read from it at once.
    """

    name: str
    mpp: float | None
    mpp_note: str
    objective: float | None
    vendor: str
    level_dimensions: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    stated_downsamples: tuple[float, ...]
    level_notes: tuple[str, ...] = ()
    bounds: Bounds
    background: tuple[int, int, int]
    may_be_shared: bool = False

    @property
    def width(self) -> int:
        """Width of level 0 in px."""
        return self.level_dimensions[0][0]

    @property
    def height(self) -> int:
        """Height of level 0 in px."""
        return self.level_dimensions[0][1]

    def read_region(
        self,
        x_level0: int,
        y_level0: int,
        level: int,
        width_px: int,
        height_px: int,
        out: NDArray[np.uint8] | None = None,
    ) -> NDArray[np.uint8]:
        """Read a rectangle of one level.

        Args:
            x_level0: Left edge, in level-0 px whatever the level.
            y_level0: Top edge, in level-0 px.
            level: Pyramid level, 0 the finest.
            width_px: Width in px of that level.
            height_px: Height in px of that level.
            out: (height_px, width_px, 3) where the pixels go, or None for a new array.

        Returns:
            RGB (height_px, width_px, 3): `out` if it was given. What the slide leaves transparent
            shows its background.

        Raises:
            TileReadError: The region cannot be decoded; other regions may still be read.
        """
        region = np.empty((height_px, width_px, 3), np.uint8) if out is None else out
        stated, true = self.stated_downsamples[level], self.level_downsamples[level]
        if stated != true:
            x_level0, y_level0 = (round(at * (stated / true)) for at in (x_level0, y_level0))
        self._read_into(region, x_level0, y_level0, level)
        return region

    @abstractmethod
    def _read_into(
        self, region: NDArray[np.uint8], x_stated: int, y_stated: int, level: int
    ) -> None:
        """Fill a region (height, width, 3), not always contiguous; see `read_region`.

        Its corner is given so that the stated downsample of the level leads to the right px.
        """

    def expect(self, level: int, regions: NDArray[np.int64]) -> None:
        """Announce regions that will be read once each, soon and about in this order.

        A reader that keeps decoded pixels then knows how long to keep them. Nothing depends on it
        but speed and memory.

        Args:
            level: Pyramid level they are read from.
            regions: int64 (N, 4), left and top in level-0 px, width and height in px of the level.
        """
        stated, true = self.stated_downsamples[level], self.level_downsamples[level]
        if stated != true:
            corners = np.rint(regions[:, :2] * (stated / true)).astype(np.int64)
            regions = np.hstack([corners, regions[:, 2:]])
        self._expect(level, regions)

    def _expect(self, level: int, regions: NDArray[np.int64]) -> None:
        """See `expect`; corners are those that `_read_into` is given."""
        return

    @abstractmethod
    def close(self) -> None:
        """Release the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def compose_on(rgba: NDArray[np.uint8], background: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Lay an RGBA image (straight alpha, (H, W, 4)) on a plain background; RGB (H, W, 3)."""
    rgb = cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB)
    alpha = rgba[..., 3]
    if alpha.min() == 255:
        return rgb
    cover = alpha[..., None].astype(np.float32) / 255
    mixed = cover * rgb + (1 - cover) * np.asarray(background, np.float32)
    return np.rint(mixed).astype(np.uint8)
