"""The foci that make a slide's class: crowded atypical glands, or solid nests of atypical cells."""

from __future__ import annotations

import numpy as np

from slidesieve.synthetic.painter.canvas import Canvas
from slidesieve.synthetic.painter.contours import (
    Points,
    blob,
    divide,
    inside,
    jittered_lattice,
    lattice_around,
    window,
)
from slidesieve.synthetic.painter.nuclei import stamp_nuclei
from slidesieve.synthetic.painter.structures import Epithelium, Sprites, paint_gland

ATYPICAL = Epithelium(31, "atypical", 19, 34, 34, False)


def paint_acinar_focus(
    rng: np.random.Generator, canvas: Canvas, sprites: Sprites, outline: Points
) -> None:
    """Fill an outline with small back-to-back glands of large dark nuclei."""
    for centre in jittered_lattice(rng, outline, 98, 0.10):
        gland = blob(rng, centre, rng.uniform(44, 53), 0.10, rng.uniform(1.0, 1.4))
        paint_gland(rng, canvas, sprites, gland, ATYPICAL)


def paint_solid_focus(
    rng: np.random.Generator, canvas: Canvas, sprites: Sprites, outline: Points
) -> None:
    """Fill an outline with nests of crowded, large, uneven nuclei between thin septa."""
    rows, cols, local = window(outline, canvas.eosin.shape, margin_px=40)
    eosin, haematoxylin = canvas.eosin[rows, cols], canvas.haematoxylin[rows, cols]
    nests = divide(rng, jittered_lattice(rng, local, 200, 0.18), eosin.shape, 5)
    seeds = lattice_around(rng, local, 29, 0.13)
    cells = divide(rng, seeds, eosin.shape, 0)
    x, y = np.clip(seeds.astype(np.int64), 0, np.array(eosin.shape[::-1]) - 1).T
    alive = inside(local, seeds) & (nests.border_px[y, x] > 8)
    sheet = alive[cells.owner]
    membrane = cells.border_px[sheet] < 1.5
    eosin[sheet] = np.where(membrane, 24, 42)
    haematoxylin[sheet] = np.where(membrane, 14, 34)
    stamp_nuclei(canvas.nuclei, sprites["atypical"], rng, seeds[alive] + [cols.start, rows.start])
