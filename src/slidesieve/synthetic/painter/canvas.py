"""The painted slide before light shines through it: how much of each stain lies where."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.fields import (
    FIBRE_PERIOD_PX,
    enlarge,
    fibre_texture,
    grain_texture,
)
from slidesieve.synthetic.painter.layout import COARSE, Layout

STAIN_UNIT = 100
"""Value of a stain map that stands for one unit of optical density."""

_STRIP_PX = 512


@dataclass(frozen=True)
class Canvas:
    """Stain maps of one slide at 0.5 um per pixel, each (H, W) uint8 in hundredths of OD.

    Attributes:
        eosin: Collagen, cytoplasm, red cells.
        haematoxylin: Basophilic cytoplasm, and after `finish` the nuclei too.
        nuclei: Haematoxylin of nuclei only.
        cover: How much tissue there is, 0 to 255: the ragged border of the pieces.
    """

    eosin: NDArray[np.uint8]
    haematoxylin: NDArray[np.uint8]
    nuclei: NDArray[np.uint8]
    cover: NDArray[np.uint8]

    def finish(self) -> None:
        """Grain the cytoplasm, put the nuclei in and cut all at the tissue border, in place."""
        grain = grain_texture()
        tone = cv2.LUT(grain, np.clip(128 + 0.55 * (np.arange(256) - 128.0), 0, 255).astype("u1"))
        eosin_left = np.clip(255 - 1.3 * np.arange(256), 150, 255).astype(np.uint8)
        for top in range(0, self.eosin.shape[0], _STRIP_PX):
            rows = slice(top, top + _STRIP_PX)
            eosin, haematoxylin = self.eosin[rows], self.haematoxylin[rows]
            nuclei, cover = self.nuclei[rows], self.cover[rows]
            mottle = _tile_to(tone, eosin.shape)
            cv2.multiply(eosin, mottle, dst=eosin, scale=1 / 128)
            cv2.multiply(haematoxylin, mottle, dst=haematoxylin, scale=1 / 128)
            cv2.multiply(eosin, cv2.LUT(nuclei, eosin_left), dst=eosin, scale=1 / 255)
            cv2.max(haematoxylin, nuclei, dst=haematoxylin)
            for stain in (eosin, haematoxylin):
                cv2.multiply(stain, cover, dst=stain, scale=1 / 255)


def blank_canvas(height: int, width: int) -> Canvas:
    """Bare glass of the given size in px."""
    return Canvas(*(np.zeros((height, width), np.uint8) for _ in range(4)))


def stroma_canvas(layout: Layout, collagen: float, looseness: float) -> Canvas:
    """Fill the tissue with fibres that follow the layout's orientation field.

    Straight fibres are drawn once; here they are bent by looking them up at the layout's fibre
    coordinates.

    Args:
        layout: The slide's plan.
        collagen: Eosin of dense collagen, in units of optical density.
        looseness: Shift towards open, cleft stroma, in standard deviations of the fibre texture.

    Returns:
        A canvas with `eosin`, some `haematoxylin` and `cover` painted.
    """
    canvas = blank_canvas(layout.height, layout.width)
    fibres = fibre_texture()
    wrap = np.array([FIBRE_PERIOD_PX[0] - 1, FIBRE_PERIOD_PX[1] - 1], np.int16)
    density = np.clip(136 + 13 * layout.density - 22 * looseness, 0, 255).astype(np.uint8)
    depth = np.clip(128 + layout.depth_px, 0, 255).astype(np.uint8)
    collagen_curve = _collagen_curve(collagen)
    border_curve = _ramp(116, 136)
    for top in range(0, layout.height, _STRIP_PX):
        bottom = min(top + _STRIP_PX, layout.height)
        whole, fraction = cv2.convertMaps(
            enlarge(layout.along_px, COARSE, top, bottom),
            enlarge(layout.across_px, COARSE, top, bottom),
            cv2.CV_16SC2,
        )
        whole &= wrap
        fibre = cv2.remap(fibres, whole, fraction, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        packed = cv2.addWeighted(fibre, 1, enlarge(density, COARSE, top, bottom), 1, -128)
        border = cv2.addWeighted(fibre, 0.22, enlarge(depth, COARSE, top, bottom), 1, -28)
        canvas.eosin[top:bottom] = cv2.LUT(packed, collagen_curve)
        canvas.haematoxylin[top:bottom] = cv2.LUT(packed, (collagen_curve * 0.12).astype("u1"))
        canvas.cover[top:bottom] = cv2.LUT(border, border_curve)
    return canvas


def _collagen_curve(collagen: float) -> NDArray[np.uint8]:
    """Eosin by fibre value: clefts are empty, then bundles of growing density."""
    value = np.arange(256)
    eosin = np.interp(value, (0, 56, 78, 128, 200, 255), (0.0, 0.03, 0.4, 0.78, 1.25, 1.6))
    return np.clip(STAIN_UNIT * collagen * eosin, 0, 255).astype(np.uint8)


def _ramp(low: int, high: int) -> NDArray[np.uint8]:
    return np.clip((np.arange(256) - low) / (high - low) * 255, 0, 255).astype(np.uint8)


def _tile_to(texture: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    rows, cols = (-(-side // period) for side, period in zip(shape, texture.shape, strict=True))
    return np.ascontiguousarray(np.tile(texture, (rows, cols))[: shape[0], : shape[1]])
