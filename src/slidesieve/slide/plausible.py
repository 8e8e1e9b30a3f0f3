"""The scales that a bright-field scanner can have."""

from __future__ import annotations

PLAUSIBLE_MPP = (0.05, 20.0)
"""Least and most µm per px."""


def is_plausible_mpp(mpp: float) -> bool:
    """Tell whether a bright-field scanner could have made pixels of this many µm."""
    low, high = PLAUSIBLE_MPP
    return low <= mpp <= high
