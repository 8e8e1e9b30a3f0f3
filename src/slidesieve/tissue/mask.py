"""From a thumbnail to a tissue mask: the papers' HSV recipe.

Saturation, median blur, threshold (fixed or Otsu), morphological closing; then pen is taken out.
Contours and the area and hole filters follow in `slidesieve.tissue.polygons`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError
from slidesieve.tissue.glass import even_pixels, glass_colour, without_tint
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.pen import disc, pen_mask

# Bright-field glass is bright; unlit fluorescence and unscanned area are darker than this.
_BLACK_VALUE = 40
# What is darker than this share of the glass is more than a shadow on it.
_DARKEST_GLASS_SHARE = 0.8


@dataclass(frozen=True)
class Segmented:
    """A thumbnail told apart, (H, W) each.

    Attributes:
        tissue: True on tissue.
        coloured_pen: True where pen has colour and would else be tissue.
        grey: True on what is dark, has no colour and is no pen.
        even: True where px look like their neighbours, as glass does.
    """

    tissue: NDArray[np.bool_]
    coloured_pen: NDArray[np.bool_]
    grey: NDArray[np.bool_]
    even: NDArray[np.bool_]


def tissue_mask(
    rgb: NDArray[np.uint8], um_per_px: float, params: TissueParams
) -> NDArray[np.bool_]:
    """Tell tissue from glass; (H, W), True on tissue. See `segment_thumbnail`."""
    return segment_thumbnail(rgb, um_per_px, params).tissue


def segment_thumbnail(rgb: NDArray[np.uint8], um_per_px: float, params: TissueParams) -> Segmented:
    """Tell tissue, glass and pen apart.

    Args:
        rgb: Thumbnail (H, W, 3).
        um_per_px: Scale of the thumbnail.
        params: The recipe's parameters.

    Raises:
        SlideError: The background is black, so saturation cannot tell tissue.
    """
    is_black = rgb.max(axis=2) < _BLACK_VALUE
    _refuse_dark_background(is_black, params)
    glass = glass_colour(rgb)
    rgb = without_tint(rgb, glass)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    pen = pen_mask(rgb, um_per_px, params) if params.exclude_pen else np.zeros_like(is_black)
    saturation = cv2.medianBlur(
        np.ascontiguousarray(hsv[..., 1]), _odd_px(params.median_um, um_per_px)
    )
    # Saturation is noise where there is no light.
    excluded = pen | is_black
    threshold = saturation_threshold(saturation[~excluded], params)
    coloured = saturation > threshold
    is_dark = hsv[..., 2] < _DARKEST_GLASS_SHARE * (245 if glass is None else glass.max())
    return Segmented(
        tissue=_close(coloured & ~excluded, params.closing_um / um_per_px) & ~excluded,
        coloured_pen=coloured & pen,
        grey=is_dark & ~coloured & ~excluded,
        even=even_pixels(rgb),
    )


def saturation_threshold(saturation: NDArray[np.uint8], params: TissueParams) -> int:
    """Choose the saturation above which a pixel is tissue.

    Args:
        saturation: Smoothed saturations of the pixels in question, any shape.
        params: The fixed threshold, or "otsu" and its bounds.
    """
    if params.saturation_threshold != "otsu":
        return params.saturation_threshold
    if saturation.size == 0:
        return params.otsu_floor
    otsu, _ = cv2.threshold(saturation.reshape(-1, 1), 0, 255, cv2.THRESH_OTSU)
    return max(params.otsu_floor, min(int(otsu), params.otsu_ceiling))


def _refuse_dark_background(is_black: NDArray[np.bool_], params: TissueParams) -> None:
    share = float(is_black.mean())
    if share > params.max_dark_share:
        raise SlideError(
            f"{share:.0%} of the slide is black: this looks like fluorescence, and tissue is "
            "found by the colour of bright-field stains; if it is bright-field with unscanned "
            "black area, raise tissue.max_dark_share"
        )


def _close(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    kernel = disc(diameter_px)
    # Glass all around, or the closing would pull tissue near the border up to it.
    margin = kernel.shape[0] // 2
    framed = np.pad(mask.astype(np.uint8), margin)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, kernel).astype(bool)
    return closed[margin : margin + mask.shape[0], margin : margin + mask.shape[1]]


def _odd_px(size_um: float, um_per_px: float) -> int:
    return 2 * int(size_um / um_per_px / 2) + 1
