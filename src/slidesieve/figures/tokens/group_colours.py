"""Colours of merge groups: one each, and neighbours easy to tell apart."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# Hues as shares of the circle, without the reds and oranges, which mean pruned.
_HUES = (0.14, 0.90)
_GOLDEN = (5**0.5 - 1) / 2
_LIGHTNESS = (0.42, 0.68, 0.55)
_CHOICES = 36
# Groups apart should differ too, from as many before as a viewer may compare.
_COMPARED = 40
_TOUCHING = 0.25


def group_colours(
    group: NDArray[np.int64], coords: NDArray[np.int64], step_level0: float
) -> NDArray[np.uint8]:
    """Give each group of tiles a colour of its own, far from those of the groups it touches.

    Groups take turns, in the order of their numbers, at choosing among the next three dozen unused
    colours of an even sequence the one farthest (in CIELAB) from those taken before them, of
    which their neighbours' count as four times as near as they are.

    Args:
        group: (N,) group of each tile, from 0; −1 for tiles in none.
        coords: (N, 2) top-left corners of the tiles, level-0 px.
        step_level0: Distance of neighbouring tiles, level-0 px.

    Returns:
        (G, 3) RGB.
    """
    n_groups = group.max(initial=-1) + 1
    rgb = _even_colours(n_groups + _CHOICES)
    lab = cv2.cvtColor(rgb[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0]
    neighbours = _neighbours(group, coords, step_level0, n_groups)
    unused, chosen = list(range(_CHOICES)), np.zeros(n_groups, dtype=np.int64)
    for number in range(n_groups):
        touching = [other for other in neighbours[number] if other < number]
        before = np.arange(max(0, number - _COMPARED), number)
        taken = lab[chosen[np.r_[touching, before].astype(np.int64)]]
        scale = np.r_[np.full(len(touching), _TOUCHING), np.ones(len(before))]
        gaps = np.linalg.norm(lab[unused][:, None] - taken[None], axis=2) * scale
        best = int(gaps.min(axis=1, initial=np.inf).argmax())
        chosen[number] = unused.pop(best)
        unused.append(_CHOICES + number)
    return rgb[chosen]


def _even_colours(count: int) -> NDArray[np.uint8]:
    """Return the first colours of a sequence that fills the allowed hues evenly, (count, 3)."""
    number = np.arange(count)
    low, high = _HUES
    hue = low + (high - low) * (number * _GOLDEN % 1)
    lightness = np.take(_LIGHTNESS, number % len(_LIGHTNESS))
    saturation = 0.55 + 0.4 * (number * _GOLDEN**2 % 1)
    hls = np.stack([360 * hue, lightness, saturation], axis=1).astype(np.float32)
    rgb = cv2.cvtColor(hls[None], cv2.COLOR_HLS2RGB)[0]
    return np.rint(rgb * 255).astype(np.uint8)


def _neighbours(
    group: NDArray[np.int64], coords: NDArray[np.int64], step_level0: float, n_groups: int
) -> list[set[int]]:
    """Return of each group those with a tile beside, above, below or at a corner of one of its."""
    found: list[set[int]] = [set() for _ in range(n_groups)]
    inside = np.flatnonzero(group >= 0)
    if len(inside) == 0:
        return found
    tree = cKDTree(coords[inside])
    pairs = tree.query_pairs(1.5 * step_level0, p=np.inf, output_type="ndarray")
    for a, b in group[inside][pairs].tolist():
        if a != b:
            found[a].add(b)
            found[b].add(a)
    return found
