"""From a thumbnail to a tissue mask: the papers' HSV recipe.

Saturation, median blur, threshold (fixed or Otsu), morphological closing; then pen is taken out.
Contours and the area and hole filters follow in `slidesieve.tissue.polygons`.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import SlideError
from slidesieve.tissue.params import TissueParams

# Bright-field glass is bright; unlit fluorescence and unscanned area are darker than this.
_BLACK_VALUE = 40
# Pen as HSV boxes (OpenCV: hue 0-179, saturation and value 0-255), lower and upper corner.
# Haematoxylin and eosin lie at hues 120 to 179 and 0 to 15. Blue pen comes close to a dense
# haematoxylin nucleus in hue, but no tissue averaged over a thumbnail pixel is as saturated.
_GREEN_PEN = ((35, 30, 0), (100, 255, 255))
_BLUE_PEN = ((101, 120, 0), (122, 255, 255))
_BLACK_PEN = ((0, 0, 0), (179, 90, 80))


def tissue_mask(
    rgb: NDArray[np.uint8], um_per_px: float, params: TissueParams
) -> NDArray[np.bool_]:
    """Tell tissue from glass.

    Args:
        rgb: Thumbnail (H, W, 3).
        um_per_px: Scale of the thumbnail.
        params: The recipe's parameters.

    Returns:
        (H, W), True on tissue.

    Raises:
        SlideError: The background is black, so saturation cannot tell tissue.
    """
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    is_black = hsv[..., 2] < _BLACK_VALUE
    _refuse_dark_background(is_black, params)
    pen = pen_mask(hsv, um_per_px, params) if params.exclude_pen else np.zeros_like(is_black)
    saturation = cv2.medianBlur(
        np.ascontiguousarray(hsv[..., 1]), _odd_px(params.median_um, um_per_px)
    )
    # Saturation is noise where there is no light.
    excluded = pen | is_black
    threshold = saturation_threshold(saturation[~excluded], params)
    tissue = (saturation > threshold) & ~excluded
    return _close(tissue, params.closing_um / um_per_px) & ~excluded


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


def pen_mask(hsv: NDArray[np.uint8], um_per_px: float, params: TissueParams) -> NDArray[np.bool_]:
    """Find green, blue and black pen by hue.

    Args:
        hsv: Thumbnail in OpenCV's HSV (H, W, 3).
        um_per_px: Scale of the thumbnail.
        params: `pen_width_um` and `pen_margin_um`.

    Returns:
        (H, W), True on pen and its margin.
    """
    inked = np.zeros(hsv.shape[:2], np.uint8)
    for low, high in (_GREEN_PEN, _BLUE_PEN, _BLACK_PEN):
        inked |= cv2.inRange(hsv, np.array(low), np.array(high))
    strokes = cv2.morphologyEx(inked, cv2.MORPH_OPEN, _disc(params.pen_width_um / um_per_px))
    return cv2.dilate(strokes, _disc(2 * params.pen_margin_um / um_per_px)).astype(bool)


def _refuse_dark_background(is_black: NDArray[np.bool_], params: TissueParams) -> None:
    share = float(is_black.mean())
    if share > params.max_dark_share:
        raise SlideError(
            f"{share:.0%} of the slide is black: this looks like fluorescence, and tissue is "
            "found by the colour of bright-field stains; if it is bright-field with unscanned "
            "black area, raise tissue.max_dark_share"
        )


def _close(mask: NDArray[np.bool_], diameter_px: float) -> NDArray[np.bool_]:
    kernel = _disc(diameter_px)
    # Glass all around, or the closing would pull tissue near the border up to it.
    margin = kernel.shape[0] // 2
    framed = np.pad(mask.astype(np.uint8), margin)
    closed = cv2.morphologyEx(framed, cv2.MORPH_CLOSE, kernel).astype(bool)
    return closed[margin : margin + mask.shape[0], margin : margin + mask.shape[1]]


def _disc(diameter_px: float) -> NDArray[np.uint8]:
    side = 2 * int(diameter_px / 2) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


def _odd_px(size_um: float, um_per_px: float) -> int:
    return 2 * int(size_um / um_per_px / 2) + 1
