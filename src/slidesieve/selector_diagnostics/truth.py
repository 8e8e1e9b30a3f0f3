"""Which tiles lie on a known lesion, and how many of them a selection keeps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from slidesieve.errors import ContractError

# A tile counts as truth if the mask covers at least this share of it: a mere graze does not.
TRUTH_SHARE = 0.25


def read_truth(path: Path) -> NDArray[np.bool_]:
    """Read a truth mask: a PNG of the whole slide at any scale, 0 where there is no lesion.

    Raises:
        ContractError: The file is no picture.
    """
    mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if mask is None:
        raise ContractError(f"{path}: cannot be read as a picture")
    return mask > 0


def truth_tiles(
    mask: NDArray[np.bool_], coords: NDArray[np.int64], place: Mapping[str, Any]
) -> NDArray[np.bool_]:
    """Return for each tile whether at least a quarter of it is truth.

    Args:
        mask: (h, w) of the whole slide.
        coords: (N, 2) top-left corners, level-0 px.
        place: Attributes of the coords: level0_width, level0_height, patch_size_level0.
    """
    height, width = mask.shape
    scale = np.array([width / place["level0_width"], height / place["level0_height"]])
    size = np.array([width, height])
    corners = coords * scale, (coords + place["patch_size_level0"]) * scale
    (left, top), (right, bottom) = (np.clip(np.rint(c), 0, size).astype(int).T for c in corners)
    summed = cv2.integral(mask.astype(np.uint8))
    covered = summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]
    return covered >= TRUTH_SHARE * np.maximum((right - left) * (bottom - top), 1)


def recall(kept: NDArray[np.bool_], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Return the share of the truth tiles that are kept, and whether any is (1 or 0)."""
    found = int((kept & truth).sum())
    return {"recall": found / int(truth.sum()), "hit": float(found > 0)}


def chance_recall(n_tokens: int, n_truth: int, k: int) -> dict[str, float]:
    """Return what `recall` gives on average for k tokens drawn at random."""
    missed_all = hypergeom(n_tokens, n_truth, k).pmf(0)
    return {"recall": k / n_tokens, "hit": float(1 - missed_all)}
