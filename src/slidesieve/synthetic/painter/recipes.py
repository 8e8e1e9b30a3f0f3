"""Which slides the demo cohort has: 40 slides of 24 patients in three classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from slidesieve.synthetic.painter.artefacts import PEN_RGB

Defect = Literal["", "no_mpp", "blank", "truncated"]

CLASSES = ("acinar", "solid", "benign")
PATIENTS_PER_CLASS = 8
DEMO_FOLDER = "results/demo/slides"

_DEFECTS: dict[str, Defect] = {
    "demo_05b": "no_mpp",
    "demo_09b": "blank",
    "demo_14b": "truncated",
}
_FINE_SCAN = "demo_11a"
_SECOND_BLOCK = (1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 14, 16, 18, 19, 22, 23)
"""Patients with two slides."""


@dataclass(frozen=True)
class SlideRecipe:
    """Everything that decides what a painted slide looks like.

    Attributes:
        slide_id: Name of the slide, such as demo_01a: patient 1, block a.
        patient_id: Slides of one patient share their staining.
        label: acinar, solid or benign.
        seed: Source of all randomness of the slide.
        patient_seed: Source of what a patient's slides share.
        mpp: Scale it is scanned at: 0.5 or 0.25 um per pixel.
        tissue_tiles: Tissue area, in tiles of 256 px at 0.5 um per pixel.
        lesion_share: Share of the tissue that is lesion, in slides with a lesion. At the default
            one focus touches fewer than a tenth of the tiles.
        foci: Number of foci that the lesion is scattered over.
        side_um: Edge of the scanned square.
        unevenness: Relative amplitude of the lamp's unevenness.
        artefacts: Any of pen_green, pen_blue, pen_black, fold, bubble, dust.
        defect: What is wrong with the file, if anything.
    """

    slide_id: str
    patient_id: str
    label: str
    seed: int
    patient_seed: int
    mpp: float = 0.5
    tissue_tiles: float = 125.0
    lesion_share: float = 0.033
    foci: int = 1
    side_um: float = 2000.0
    unevenness: float = 0.025
    artefacts: tuple[str, ...] = ()
    defect: Defect = ""


def demo_recipes() -> tuple[SlideRecipe, ...]:
    """List the demo cohort's slides, in the order of the sample sheet."""
    return tuple(
        _recipe(patient, block)
        for patient in range(1, PATIENTS_PER_CLASS * len(CLASSES) + 1)
        for block in ("ab" if patient in _SECOND_BLOCK else "a")
    )


def demo_sheet_rows() -> list[dict[str, str]]:
    """Rows of config/demo_slides.csv: slide_id, patient_id, label, path, mpp.

    The mpp is given only for the slide whose file does not state it.
    """
    return [sheet_row(recipe, f"{DEMO_FOLDER}/{recipe.slide_id}.svs") for recipe in demo_recipes()]


def sheet_row(recipe: SlideRecipe, path: str) -> dict[str, str]:
    """One row of a sample sheet for a painted slide."""
    return {
        "slide_id": recipe.slide_id,
        "patient_id": recipe.patient_id,
        "label": recipe.label,
        "path": path,
        "mpp": str(recipe.mpp) if recipe.defect == "no_mpp" else "",
    }


def draw_artefacts(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw what happens to a slide between the knife and the scanner."""
    chances = {"fold": 0.15, "bubble": 0.12, "dust": 0.35}
    found = [name for name, chance in chances.items() if rng.random() < chance]
    if rng.random() < 0.22:
        found.append(str(rng.choice(sorted(PEN_RGB))))
    return tuple(found)


def _recipe(patient: int, block: str) -> SlideRecipe:
    slide_id = f"demo_{patient:02d}{block}"
    seed = 100 * patient + ord(block) - ord("a")
    rng = np.random.default_rng([seed, 1])
    fine = slide_id == _FINE_SCAN
    return SlideRecipe(
        slide_id=slide_id,
        patient_id=f"P{patient:02d}",
        label=CLASSES[(patient - 1) % len(CLASSES)],
        seed=seed,
        patient_seed=patient,
        mpp=0.25 if fine else 0.5,
        tissue_tiles=112.0 if fine else round(rng.uniform(118, 140), 1),
        side_um=1760.0 if fine else 16.0 * int(rng.integers(118, 130)),
        artefacts=draw_artefacts(rng),
        defect=_DEFECTS.get(slide_id, ""),
    )
