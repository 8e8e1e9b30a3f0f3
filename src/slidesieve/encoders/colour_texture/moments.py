"""Mean and sd of 8-bit planes, by the calls of OpenCV that are fastest at them."""

from __future__ import annotations

import cv2

from slidesieve.encoders.colour_texture.planes import Plane


def mean_and_sd(plane: Plane, mask: Plane | None = None) -> tuple[float, float]:
    """Mean and sd of a plane of one channel: three in one image take OpenCV three times as long.

    Args:
        plane: (H, W).
        mask: (H, W), not 0 where the plane is looked at; None for everywhere.
    """
    mean, sd = cv2.meanStdDev(plane, mask=mask)
    return mean.item(), sd.item()


def mean_within(plane: Plane, mask: Plane, n_within: int) -> float:
    """Mean of a plane where a mask is not 0: that of `cv2.mean`, five times as fast.

    Args:
        plane: (H, W).
        mask: (H, W).
        n_within: How many of its pixels are not 0; without any the mean is 0.
    """
    return cv2.norm(plane, cv2.NORM_L1, mask=mask) * (1.0 / n_within if n_within else 0.0)
