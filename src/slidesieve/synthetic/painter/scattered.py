"""A cohort harder than the demo: larger slides, whose lesion is many nests smaller than a tile."""

from __future__ import annotations

import numpy as np

from slidesieve.synthetic.painter.layout import CANVAS_MPP, DEMO_TILE_PX
from slidesieve.synthetic.painter.recipes import CLASSES, SlideRecipe, draw_artefacts

TISSUE_TILES = (350, 450)
LESION_SHARE = 0.012
FOCI = 10
_TISSUE_OF_SLIDE = (0.46, 0.55)
"""Least and greatest share of the scanned square that is tissue, as in the demo."""
_STEP_UM = 16.0


def scattered_recipes(n_patients: int, seed: int) -> list[SlideRecipe]:
    """Return one slide a patient; classes take turns."""
    return [_recipe(number, seed) for number in range(n_patients)]


def _recipe(number: int, seed: int) -> SlideRecipe:
    rng = np.random.default_rng([seed, number])
    tissue_tiles = rng.uniform(*TISSUE_TILES)
    tile_um = DEMO_TILE_PX * CANVAS_MPP
    side_um = tile_um * np.sqrt(tissue_tiles / rng.uniform(*_TISSUE_OF_SLIDE))
    seed_of_slide = int(rng.integers(2**31))
    return SlideRecipe(
        slide_id=f"painted_{number:03d}",
        patient_id=f"P{number:03d}",
        label=CLASSES[number % len(CLASSES)],
        seed=seed_of_slide,
        patient_seed=seed_of_slide,
        tissue_tiles=tissue_tiles,
        lesion_share=LESION_SHARE,
        foci=FOCI,
        side_um=_STEP_UM * round(side_um / _STEP_UM),
        artefacts=draw_artefacts(rng),
    )
