"""Paints huge slides for benchmarks: one painted square laid out many times, turned each time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.layout import CANVAS_MPP, DEMO_TILE_PX
from slidesieve.synthetic.painter.painting import paint
from slidesieve.synthetic.painter.pyramid import ArrayPicture, array_picture, write_aperio
from slidesieve.synthetic.painter.recipes import SlideRecipe

_TISSUE_SHARE = 0.5
_BARE_SHARE = 0.2


@dataclass(frozen=True)
class RepeatedPicture:
    """A square picture repeated over a plane without ever being held whole.

    Attributes:
        cell: The square that is repeated; it is glass at its border, so no seam shows.
        side_px: Edge of the plane, level-0 px.
        turns: (n, n) how each copy is turned: quarter turns 0 to 3, plus 4 if mirrored.
        bare: (n, n) True where glass is left bare, in the colour of the cell's border.
    """

    cell: ArrayPicture
    side_px: int
    turns: NDArray[np.int64]
    bare: NDArray[np.bool_]

    def size(self, downsample: int) -> tuple[int, int]:
        """(height, width) at a downsample, px."""
        return self.side_px // downsample, self.side_px // downsample

    def block(self, downsample: int, top: int, left: int, side: int) -> NDArray[np.uint8]:
        """Up to (side, side, 3) RGB pixels of the plane at a downsample."""
        height, width = self.size(downsample)
        bottom, right = min(top + side, height), min(left + side, width)
        result = np.empty((bottom - top, right - left, 3), np.uint8)
        cell_px = self.cell.size(downsample)[0]
        for row in range(top // cell_px, (bottom - 1) // cell_px + 1):
            for col in range(left // cell_px, (right - 1) // cell_px + 1):
                y, x = row * cell_px, col * cell_px
                rows = slice(max(top, y), min(bottom, y + cell_px))
                cols = slice(max(left, x), min(right, x + cell_px))
                part = self._turned(downsample, row, col)[
                    rows.start - y : rows.stop - y, cols.start - x : cols.stop - x
                ]
                result[rows.start - top : rows.stop - top, cols.start - left : cols.stop - left] = (
                    part
                )
        return result

    def _turned(self, downsample: int, row: int, col: int) -> NDArray[np.uint8]:
        cell = self.cell.levels[downsample]
        if self.bare[row, col]:
            glass = np.median(cell[0], axis=0).astype(np.uint8)
            return np.broadcast_to(glass, cell.shape)
        turn = int(self.turns[row, col])
        turned = np.rot90(cell, turn % 4)
        return turned[:, ::-1] if turn >= 4 else turned


def paint_large(
    path: Path, side_px: int = 30_000, mpp: float = 0.5, cell_px: int = 4096, seed: int = 0
) -> None:
    """Write a square slide of any size in the memory of one painted square.

    Args:
        path: File to write, .svs.
        side_px: Edge of level 0, px.
        mpp: Scale written into the file, um per pixel.
        cell_px: Edge of the painted square that is repeated, a multiple of 64.
        seed: Source of all randomness.

    Raises:
        ValueError: `cell_px` is no multiple of 64.
    """
    if cell_px % 64:
        raise ValueError(f"cell_px is {cell_px}; it must be a multiple of 64")
    downsamples = (1, 4, 16, 64) if side_px >= 16_384 else (1, 4, 16)
    recipe = SlideRecipe(
        slide_id="large",
        patient_id="large",
        label="acinar",
        seed=seed,
        patient_seed=seed,
        tissue_tiles=_TISSUE_SHARE * (cell_px / DEMO_TILE_PX) ** 2,
        side_um=cell_px * CANVAS_MPP,
        unevenness=0.0,
    )
    rng = np.random.default_rng([seed, 4])
    n = -(-side_px // cell_px)
    mosaic = RepeatedPicture(
        cell=array_picture(paint(recipe).rgb, downsamples),
        side_px=side_px,
        turns=rng.integers(0, 8, (n, n)),
        bare=rng.random((n, n)) < _BARE_SHARE,
    )
    write_aperio(path, mosaic, downsamples, mpp)
