"""From a recipe to a picture and its truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.synthetic.painter.artefacts import fold_tissue, mark_glass
from slidesieve.synthetic.painter.canvas import Canvas, blank_canvas, stroma_canvas
from slidesieve.synthetic.painter.contours import Points, blob
from slidesieve.synthetic.painter.layout import CANVAS_MPP, DEMO_TILE_PX, Room, plan
from slidesieve.synthetic.painter.lesions import paint_acinar_focus, paint_solid_focus
from slidesieve.synthetic.painter.nuclei import KINDS, red_cell_sprites, sprite_bank
from slidesieve.synthetic.painter.optics import patient_randomness, scan, stain_and_scanner
from slidesieve.synthetic.painter.recipes import SlideRecipe
from slidesieve.synthetic.painter.structures import (
    Sprites,
    paint_duct,
    paint_fat,
    paint_lobule,
    paint_lymphocytes,
    paint_vessel,
    scatter_stromal_nuclei,
)

TRUTH_MPP = 8.0
_TRUTH_STEP = round(TRUTH_MPP / CANVAS_MPP)

_FOCI = {"acinar": paint_acinar_focus, "solid": paint_solid_focus}

Painter = Callable[
    [np.random.Generator, Canvas, Sprites, tuple[float, float], float],
    None,
]


@dataclass(frozen=True)
class PaintedSlide:
    """A painted slide.

    Attributes:
        rgb: (H, W, 3) uint8, at the recipe's mpp.
        truth: (h, w) uint8, 1 where there is lesion, at `truth_mpp`.
        truth_mpp: Scale of `truth`, um per pixel.
    """

    rgb: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    truth_mpp: float


def paint(recipe: SlideRecipe) -> PaintedSlide:
    """Paint a slide; the same recipe always gives the same pixels.

    Args:
        recipe: What to paint.

    Returns:
        The picture at `recipe.mpp` and the lesion mask at 8 um per pixel.
    """
    rng = np.random.default_rng([recipe.seed, 2])
    side = round(recipe.side_um / CANVAS_MPP)
    foci: list[Points] = []
    if recipe.defect == "blank":
        canvas = blank_canvas(side, side)
    else:
        canvas, foci = _painted_tissue(rng, recipe, side)
    if "fold" in recipe.artefacts:
        fold_tissue(rng, canvas)
    patient = patient_randomness(recipe.patient_seed)
    optics = stain_and_scanner(patient, rng, recipe.unevenness)
    rgb = scan(rng, canvas, optics, magnify=round(CANVAS_MPP / recipe.mpp))
    for artefact in recipe.artefacts:
        if artefact != "fold":
            mark_glass(rng, rgb, artefact)
    return PaintedSlide(rgb, _truth(foci, canvas), TRUTH_MPP)


def _painted_tissue(
    rng: np.random.Generator, recipe: SlideRecipe, side: int
) -> tuple[Canvas, list[Points]]:
    layout = plan(rng, side, side, recipe.tissue_tiles)
    room = Room(layout)
    nuclear = rng.normal(1, 0.07)
    sprites = {name: sprite_bank(rng, kind, nuclear) for name, kind in KINDS.items()}
    sprites["red_cell"] = red_cell_sprites(rng)
    canvas = stroma_canvas(layout, rng.uniform(0.30, 0.50), rng.normal(0, 0.5))
    foci = _lesion_foci(rng, room, recipe)
    _paint_benign(rng, canvas, sprites, room)
    scatter_stromal_nuclei(
        rng,
        canvas,
        sprites,
        layout,
        room.free,
        per_tile=rng.uniform(26, 60),
        lymphocytes_per_tile=rng.lognormal(1.2, 0.8),
    )
    for focus in foci:
        _FOCI[recipe.label](rng, canvas, sprites, focus)
    canvas.finish()
    return canvas, foci


def _paint_benign(rng: np.random.Generator, canvas: Canvas, sprites: Sprites, room: Room) -> None:
    """Paint benign content in amounts that vary much from slide to slide, whatever the class."""
    program: list[tuple[Painter, float, tuple[float, float]]] = [
        (paint_fat, rng.lognormal(0.3, 0.9), (170, 420)),
        (paint_lobule, rng.lognormal(1.3, 0.8), (150, 330)),
        (paint_duct, rng.lognormal(1.5, 0.8), (80, 170)),
        (paint_lymphocytes, rng.lognormal(1.0, 0.9), (50, 140)),
        (paint_vessel, rng.lognormal(2.0, 0.5), (28, 110)),
    ]
    limit: dict[Painter, int] = {
        paint_fat: 5,
        paint_lobule: 12,
        paint_duct: 16,
        paint_lymphocytes: 10,
    }
    for painter, amount, (smallest_px, largest_px) in program:
        for _ in range(min(round(amount), limit.get(painter, 20))):
            radius = rng.uniform(smallest_px, largest_px)
            centre = room.place(rng, radius, gap_px=12)
            if centre is not None:
                painter(rng, canvas, sprites, centre, radius)


def _lesion_foci(rng: np.random.Generator, room: Room, recipe: SlideRecipe) -> list[Points]:
    """Place the foci that make the class, a small share of the tissue; none in benign slides."""
    if recipe.label not in _FOCI:
        return []
    area_px = recipe.lesion_share * recipe.tissue_tiles * DEMO_TILE_PX**2 / recipe.foci
    return [_focus(rng, room, recipe, area_px) for _ in range(recipe.foci)]


def _focus(rng: np.random.Generator, room: Room, recipe: SlideRecipe, area_px: float) -> Points:
    radius = np.sqrt(rng.uniform(0.9, 1.05) * area_px / np.pi)
    centre = room.place(rng, radius * 1.1) or room.place(rng, radius * 0.8)
    if centre is None:
        raise ValueError(f"{recipe.slide_id}: no room for a lesion; give it more tissue_tiles")
    return blob(rng, centre, radius, 0.08, rng.uniform(1.0, 1.2), (2, 3, 5, 7, 9))


def _truth(foci: list[Points], canvas: Canvas) -> NDArray[np.uint8]:
    height, width = (side // _TRUTH_STEP for side in canvas.eosin.shape)
    truth = np.zeros((height, width), np.uint8)
    for focus in foci:
        cv2.fillPoly(truth, [np.round(focus / _TRUTH_STEP - 0.5).astype(np.int32)], 1)
    half = _TRUTH_STEP // 2
    covered = canvas.cover[half::_TRUTH_STEP, half::_TRUTH_STEP]
    return truth * (covered[:height, :width] > 0)
