"""Benign content: glands, fat, vessels, lymphocytes, and the nuclei of the stroma."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.canvas import Canvas
from slidesieve.synthetic.painter.contours import (
    Points,
    along,
    blob,
    divide,
    fill,
    inside,
    jittered_lattice,
    lattice_around,
    shrunk,
    trace,
    window,
)
from slidesieve.synthetic.painter.layout import COARSE, Layout
from slidesieve.synthetic.painter.nuclei import stamp, stamp_nuclei

Sprites = dict[str, list[NDArray[np.uint8]]]


@dataclass(frozen=True)
class Epithelium:
    """How a gland's lining looks.

    Attributes:
        thickness_px: Height of the lining.
        nuclei: Kind of nuclei.
        spacing_px: Distance between nuclei along the lining.
        eosin: Of the cytoplasm, hundredths of OD.
        haematoxylin: Of the cytoplasm, hundredths of OD.
        layered: Whether a flat outer layer of spindle nuclei surrounds it, as in benign glands.
    """

    thickness_px: float
    nuclei: str
    spacing_px: float
    eosin: float
    haematoxylin: float
    layered: bool


BENIGN = Epithelium(27, "epithelial", 13.5, 36, 12, True)


def paint_gland(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    outline: Points,
    lining: Epithelium,
) -> None:
    """Paint one gland: lining, lumen with a little secretion, nuclei in a ring."""
    lumen = shrunk(outline, lining.thickness_px * rng.uniform(0.9, 1.15))
    shade = rng.normal(1, 0.1)
    if lining.layered and rng.random() < 0.4:
        trace(canvas.eosin, outline, rng.uniform(3, 14), 4)
    fill(canvas.eosin, outline, lining.eosin * shade)
    fill(canvas.haematoxylin, outline, lining.haematoxylin * shade)
    fill(canvas.eosin, lumen, rng.choice([1, 2, 3, 8]))
    fill(canvas.haematoxylin, lumen, 0)
    trace(canvas.eosin, lumen, lining.eosin * 1.35, 2)
    base, direction = along(shrunk(outline, lining.thickness_px * 0.42), lining.spacing_px)
    base = base + rng.normal(0, 1.8, base.shape)
    stamp_nuclei(
        canvas.nuclei,
        sprites[lining.nuclei],
        rng,
        base,
        direction + np.pi / 2 + rng.normal(0, 0.2, len(base)),
    )
    if lining.layered:
        rim, tangent = along(shrunk(outline, -2), 34)
        keep = rng.random(len(rim)) < 0.6
        stamp_nuclei(canvas.nuclei, sprites["spindle"], rng, rim[keep], tangent[keep])


def paint_lobule(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    centre_px: tuple[float, float],
    radius_px: float,
) -> None:
    """Paint a lobule of benign glands of one size, in paler, finer stroma."""
    outline = blob(rng, centre_px, radius_px * 0.85, 0.10, rng.uniform(1, 1.3))
    rows, cols, local = window(outline, canvas.eosin.shape, margin_px=60)
    region = canvas.eosin[rows, cols]
    paler = np.full(region.shape, 255, np.uint8)
    fill(paler, local, 175)
    cv2.multiply(region, cv2.blur(paler, (81, 81)), dst=region, scale=1 / 255)
    gland_px = rng.uniform(46, 80)
    for centre in jittered_lattice(rng, outline, 2.45 * gland_px, 0.1):
        radius = gland_px * rng.uniform(0.7, 1.12)
        gland = blob(rng, centre, radius, 0.09, rng.uniform(1.0, 1.45))
        paint_gland(rng, canvas, sprites, gland, BENIGN)


def paint_duct(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    centre_px: tuple[float, float],
    radius_px: float,
) -> None:
    """Paint one large gland with a folded lining."""
    outline = blob(rng, centre_px, radius_px * 0.75, 0.09, rng.uniform(1, 1.5), (2, 3, 5, 7, 9))
    paint_gland(rng, canvas, sprites, outline, BENIGN)


def paint_fat(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    centre_px: tuple[float, float],
    radius_px: float,
) -> None:
    """Paint a lobule of fat: empty cells of 50 to 80 um between thin membranes."""
    outline = blob(rng, centre_px, radius_px * 0.85, 0.12, rng.uniform(1, 1.4))
    rows, cols, local = window(outline, canvas.eosin.shape, margin_px=90)
    eosin, haematoxylin = canvas.eosin[rows, cols], canvas.haematoxylin[rows, cols]
    seeds = lattice_around(rng, local, rng.uniform(80, 120), 0.16)
    cells = divide(rng, seeds, eosin.shape, 2)
    adipose = inside(local, seeds)[cells.owner]
    roomy = cv2.GaussianBlur((cells.border_px > 2).astype(np.float32), (0, 0), 5)
    vacuole = adipose & (roomy > 0.74)
    eosin[adipose] = 42
    clear = cv2.GaussianBlur(vacuole.astype(np.float32), (0, 0), 0.8)
    for stain in (eosin, haematoxylin):
        stain[:] = (stain * (1 - clear)).astype(np.uint8)
    membrane = np.argwhere(adipose & ~vacuole)[:, ::-1]
    sites = rng.permutation(membrane)[: len(seeds)] + np.array([cols.start, rows.start])
    stamp_nuclei(canvas.nuclei, sprites["spindle"], rng, sites)


def paint_vessel(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    centre_px: tuple[float, float],
    radius_px: float,
) -> None:
    """Paint a vessel: muscular wall, flat nuclei around it, red cells in the lumen."""
    wall = blob(rng, centre_px, radius_px * 0.8, 0.07, rng.uniform(1.0, 2.0))
    lumen = shrunk(wall, radius_px * rng.uniform(0.25, 0.42))
    fill(canvas.eosin, wall, rng.uniform(46, 62))
    fill(canvas.haematoxylin, wall, 6)
    for depth in np.arange(3, radius_px * 0.4, 5.0):
        trace(canvas.eosin, shrunk(wall, depth), rng.uniform(34, 74), 2)
    for part in (canvas.eosin, canvas.haematoxylin):
        fill(part, lumen, 2)
    for depth, spacing in ((3.0, 30.0), (radius_px * 0.15, 36.0), (radius_px * 0.3, 30.0)):
        ring, direction = along(shrunk(wall, depth), spacing)
        stamp_nuclei(canvas.nuclei, sprites["spindle"], rng, ring, direction)
    cells = jittered_lattice(rng, lumen, 14.5, 0.28)
    cells = cells[rng.random(len(cells)) < rng.choice([0.15, 0.6, 0.95])]
    stamp(canvas.eosin, [sprites["red_cell"][i % 24] for i in range(len(cells))], cells)


def paint_lymphocytes(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    centre_px: tuple[float, float],
    radius_px: float,
) -> None:
    """Paint an aggregate of lymphocytes, dense in the middle."""
    outline = blob(rng, centre_px, radius_px, 0.12, rng.uniform(1, 1.6))
    points = jittered_lattice(rng, outline, 15.5, 0.2)
    core = inside(shrunk(outline, radius_px * 0.3), points)
    keep = rng.random(len(points)) < np.where(core, 0.97, 0.55)
    stamp_nuclei(canvas.nuclei, sprites["lymphocyte"], rng, points[keep])


def scatter_stromal_nuclei(
    rng: np.random.Generator,
    canvas: Canvas,
    sprites: Sprites,
    layout: Layout,
    free: NDArray[np.uint8],
    per_tile: float,
    lymphocytes_per_tile: float,
) -> None:
    """Scatter spindle nuclei along the fibres and single lymphocytes in patches.

    Args:
        rng: Source of randomness.
        canvas: Painted in place.
        sprites: Sprite banks by kind.
        layout: The slide's plan.
        free: Coarse mask of stroma without other structures.
        per_tile: Spindle nuclei in 256 x 256 px.
        lymphocytes_per_tile: Lymphocytes in 256 x 256 px, on average.
    """
    per_cell = (COARSE / 256) ** 2
    crowding = np.exp(0.35 * layout.density - 0.06)
    spindle = _poisson_points(rng, free * crowding * per_tile * per_cell)
    direction = layout.angle_at(spindle) + rng.normal(0, 0.22, len(spindle))
    stamp_nuclei(canvas.nuclei, sprites["spindle"], rng, spindle, direction)
    patches = np.exp(1.5 * layout.density[::-1, ::-1] - 1.1)
    stray = _poisson_points(rng, free * patches * lymphocytes_per_tile * per_cell)
    stamp_nuclei(canvas.nuclei, sprites["lymphocyte"], rng, stray)


def _poisson_points(rng: np.random.Generator, rate: NDArray[np.floating]) -> Points:
    counts = rng.poisson(rate)
    y, x = np.nonzero(counts)
    repeats = counts[y, x]
    corners = np.column_stack([np.repeat(x, repeats), np.repeat(y, repeats)])
    return (corners + rng.random(corners.shape)) * COARSE
