"""Writes the demo cohort: slides, truth masks, sample sheet."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
from tqdm import tqdm

from slidesieve.store.atomic import atomic_path
from slidesieve.synthetic.painter.painting import paint
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio
from slidesieve.synthetic.painter.recipes import SlideRecipe, demo_recipes, sheet_row

DOWNSAMPLES = (1, 4, 16)
_TRUNCATED_SHARE = 0.4


def write_demo_slide(recipe: SlideRecipe, slide_path: Path, truth_path: Path) -> None:
    """Paint one slide and write it with its truth mask; both files appear whole or not at all.

    Args:
        recipe: What to paint.
        slide_path: Pyramid to write, .svs.
        truth_path: 8 um per pixel mask to write, .png: 1 where there is lesion, else 0.
    """
    painted = paint(recipe)
    mpp = None if recipe.defect == "no_mpp" else recipe.mpp
    with atomic_path(truth_path) as partial:
        cv2.imwrite(str(partial), painted.truth)
    with atomic_path(slide_path) as partial:
        write_aperio(partial, array_picture(painted.rgb, DOWNSAMPLES), DOWNSAMPLES, mpp)
        if recipe.defect == "truncated":
            os.truncate(partial, round(partial.stat().st_size * _TRUNCATED_SHARE))


def paint_demo(folder: Path) -> Path:
    """Paint the whole demo cohort into a folder, see `paint_cohort`."""
    return paint_cohort(folder, demo_recipes())


def paint_cohort(folder: Path, recipes: Sequence[SlideRecipe]) -> Path:
    """Paint slides into a folder.

    Args:
        folder: Gets slides/, truth/ and slides.csv, whose paths are relative to it.
        recipes: What to paint.

    Returns:
        The sample sheet.
    """
    rows = []
    for recipe in tqdm(recipes, desc="painting slides", unit="slide", disable=None):
        slide = Path("slides") / f"{recipe.slide_id}.svs"
        truth = folder / "truth" / f"{recipe.slide_id}.png"
        write_demo_slide(recipe, folder / slide, truth)
        rows.append(sheet_row(recipe, slide.as_posix()))
    sheet = folder / "slides.csv"
    write_sheet(sheet, rows)
    return sheet


def write_sheet(path: Path, rows: list[dict[str, str]]) -> None:
    """Write a sample sheet, header first."""
    with atomic_path(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
