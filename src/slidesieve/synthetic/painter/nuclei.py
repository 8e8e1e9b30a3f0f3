"""Cell sprites and how they are stamped: every nucleus is one of a few hundred small pictures."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

N_ANGLES = 24
"""Orientations in half a turn; a nucleus looks the same from both ends."""


@dataclass(frozen=True)
class NucleusKind:
    """How the nuclei of one cell type look.

    Attributes:
        length_px: Mean long axis, canvas px (0.5 um).
        width_px: Mean short axis, canvas px.
        spread: Relative standard deviation of both axes.
        irregularity: Relative departure of the outline from an ellipse.
        stain: Mean haematoxylin, canvas units (100 = one unit of optical density).
        chromatin: Relative standard deviation of stain within a nucleus.
        rim: Extra stain at the nuclear membrane, relative.
        nucleoli: Mean number of nucleoli.
        variants: Sprites for each orientation.
    """

    length_px: float
    width_px: float
    spread: float
    irregularity: float
    stain: float
    chromatin: float
    rim: float
    nucleoli: float
    variants: int


KINDS: dict[str, NucleusKind] = {
    "spindle": NucleusKind(25, 7, 0.25, 0.14, 78, 0.18, 0.10, 0.0, 6),
    "epithelial": NucleusKind(17, 12.5, 0.12, 0.05, 62, 0.22, 0.30, 0.3, 5),
    "lymphocyte": NucleusKind(13, 11.5, 0.11, 0.06, 102, 0.20, 0.05, 0.0, 3),
    "atypical": NucleusKind(25, 19, 0.24, 0.11, 86, 0.27, 0.26, 0.9, 6),
}


def sprite_bank(
    rng: np.random.Generator, kind: NucleusKind, strength: float
) -> list[NDArray[np.uint8]]:
    """Draw the sprites of one cell type.

    Args:
        rng: Source of randomness.
        kind: The cell type.
        strength: Nuclear staining of this slide relative to the mean.

    Returns:
        `N_ANGLES * kind.variants` haematoxylin sprites, those of one orientation together.
    """
    return [
        _nucleus(rng, kind, np.pi * turn / N_ANGLES, strength)
        for turn in range(N_ANGLES)
        for _ in range(kind.variants)
    ]


def stamp_nuclei(
    target: NDArray[np.uint8],
    bank: list[NDArray[np.uint8]],
    rng: np.random.Generator,
    points_px: NDArray[np.floating],
    angles: NDArray[np.floating] | None = None,
) -> None:
    """Stamp one nucleus at each point; the darker of old and new stays.

    Args:
        target: (H, W) map of nuclei, changed in place.
        bank: Sprites of `sprite_bank`.
        rng: Source of randomness.
        points_px: (N, 2) x, y of the centres; nuclei cut by the border are left out.
        angles: (N,) direction of the long axes in radians, or None for random ones.
    """
    n, variants = len(points_px), len(bank) // N_ANGLES
    if angles is None:
        turns = rng.integers(0, N_ANGLES, n)
    else:
        turns = np.round(np.asarray(angles) / np.pi * N_ANGLES).astype(np.int64) % N_ANGLES
    choice = turns * variants + rng.integers(0, variants, n)
    stamp(target, [bank[i] for i in choice], points_px)


def stamp(
    target: NDArray[np.uint8], sprites: list[NDArray[np.uint8]], points_px: NDArray[np.floating]
) -> None:
    """Stamp sprite i centred at point i, keeping the larger value, leaving out what is cut."""
    height, width = target.shape
    corners = np.round(points_px).astype(np.int64)
    for sprite, (x, y) in zip(sprites, corners.tolist(), strict=True):
        rows, cols = sprite.shape
        left, top = x - cols // 2, y - rows // 2
        if left < 0 or top < 0 or left + cols > width or top + rows > height:
            continue
        view = target[top : top + rows, left : left + cols]
        np.maximum(view, sprite, out=view)


def red_cell_sprites(rng: np.random.Generator, n: int = 24) -> list[NDArray[np.uint8]]:
    """Draw red cells as eosin sprites: 7 um discs, paler in the middle."""
    sprites = []
    for _ in range(n):
        a, b = 6.8 * rng.uniform(0.85, 1.1), 6.8 * rng.uniform(0.6, 1.05)
        rho, _ = _ellipse(a, b, rng.uniform(0, np.pi))
        alpha = np.clip((1 - rho) * min(a, b) / 1.3 + 0.3, 0, 1)
        stain = rng.uniform(85, 120) * (0.8 + 0.3 * np.clip(rho, 0, 1))
        sprites.append((alpha * stain).astype(np.uint8))
    return sprites


def _nucleus(
    rng: np.random.Generator, kind: NucleusKind, angle: float, strength: float
) -> NDArray[np.uint8]:
    size = np.exp(kind.spread * rng.standard_normal(2))
    a, b = kind.length_px / 2 * size[0], kind.width_px / 2 * size[1]
    rho, theta = _ellipse(a, b, angle)
    for order in (2, 3, 4):
        bump = kind.irregularity * rng.standard_normal() / np.sqrt(order)
        rho /= 1 + bump * np.cos(order * theta + rng.uniform(0, 2 * np.pi))
    inner_px = (1 - rho) * min(a, b)
    alpha = np.clip(inner_px / 1.6 + 0.4, 0, 1)
    chromatin = cv2.GaussianBlur(rng.standard_normal(rho.shape).astype(np.float32), (0, 0), 1.5)
    tone = 1 + kind.chromatin * chromatin / max(chromatin.std(), 1e-6)
    tone += kind.rim * (np.exp(-np.square((inner_px - 1.2) / 1.6)) - 0.3)
    for _ in range(rng.poisson(kind.nucleoli)):
        tone += _nucleolus(rng, rho.shape, min(a, b))
    stain = kind.stain * strength * rng.normal(1, 0.16)
    return np.clip(alpha * stain * tone, 0, 255).astype(np.uint8)


def _nucleolus(
    rng: np.random.Generator, shape: tuple[int, int], radius_px: float
) -> NDArray[np.float64]:
    y, x = np.ogrid[: shape[0], : shape[1]]
    off_x, off_y = rng.uniform(-0.4, 0.4, 2) * radius_px
    squared = (x - shape[1] // 2 - off_x) ** 2 + (y - shape[0] // 2 - off_y) ** 2
    return 0.6 * np.exp(-squared / (2 * 1.5**2))


def _ellipse(
    a_px: float, b_px: float, angle: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (relative radius, polar angle) on a square grid that holds the ellipse."""
    half = int(np.ceil(1.25 * max(a_px, b_px))) + 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1]
    along = (x * np.cos(angle) + y * np.sin(angle)) / a_px
    across = (y * np.cos(angle) - x * np.sin(angle)) / b_px
    return np.hypot(along, across), np.arctan2(across, along)
