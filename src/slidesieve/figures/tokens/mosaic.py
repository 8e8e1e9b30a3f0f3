"""Tiles side by side in frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from slidesieve.figures.page_layout import show_picture
from slidesieve.figures.tokens.samples import Sample

_FRAME_PX, _SEAM_PX, _GAP_PX, _LABEL_PX = 4, 2, 6, 16


@dataclass(frozen=True)
class TileSheet:
    """A picture of framed tiles and where its labels stand.

    Attributes:
        picture: (h, w, 3) on white.
        labels: x and y of the lower left end of each label in px, and its words.
    """

    picture: NDArray[np.uint8]
    labels: tuple[tuple[int, int, str], ...]

    def draw(self, axes: Axes) -> None:
        """Fill axes with the picture and write the labels."""
        show_picture(axes, self.picture)
        for x, y, words in self.labels:
            axes.text(x, y, words, fontsize=6.5, va="bottom")


def make_mosaic(
    samples: Sequence[Sample], tiles: Mapping[int, NDArray[np.uint8]], width_px: int, cell_px: int
) -> TileSheet:
    """Set samples in rows, as many in each as fit; the tiles of one stand in one frame.

    Args:
        samples: In order.
        tiles: Picture of each tile that they name.
        width_px: Of the mosaic.
        cell_px: Side of a tile.
    """
    places = _flow([len(sample.rows) for sample in samples], width_px, cell_px)
    line_px = _LABEL_PX + cell_px + 2 * _FRAME_PX + _GAP_PX
    height = line_px * (1 + max((line for line, _ in places), default=-1))
    picture = np.full((height, width_px, 3), 255, np.uint8)
    labels = []
    for sample, (line, x) in zip(samples, places, strict=True):
        y = line * line_px + _LABEL_PX
        right, bottom = x + _strip_px(len(sample.rows), cell_px), y + cell_px + 2 * _FRAME_PX
        picture[y:bottom, x:right] = np.round(np.array(to_rgb(sample.colour)) * 255)
        for number, row in enumerate(sample.rows):
            left, top = x + _FRAME_PX + number * (cell_px + _SEAM_PX), y + _FRAME_PX
            picture[top : top + cell_px, left : left + cell_px] = _shrunk(tiles[row], cell_px)
        labels.append((x, y - 2, sample.label))
    return TileSheet(picture, tuple(labels))


def _flow(lengths: Sequence[int], width_px: int, cell_px: int) -> list[tuple[int, int]]:
    """Return line and x of strips of tiles, set one after another."""
    places, line, x = [], 0, 0
    for length in lengths:
        strip = _strip_px(length, cell_px)
        if x and x + strip > width_px:
            line, x = line + 1, 0
        places.append((line, x))
        x += strip + _GAP_PX
    return places


def _strip_px(n_tiles: int, cell_px: int) -> int:
    return n_tiles * cell_px + (n_tiles - 1) * _SEAM_PX + 2 * _FRAME_PX


def _shrunk(tile: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    shrinks = tile.shape[0] > side
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(tile, (side, side), interpolation=interpolation)
