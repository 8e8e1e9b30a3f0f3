"""`python -m slidesieve.vqa.demo_cohort FOLDER`: the features and questions of the demo.

Slides are painted, go through the stages tissue, tiles and features as in any study, and are
deleted: the demo needs their tokens. What is there already is left as it is.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

from slidesieve.encoders.registry import load_encoder
from slidesieve.extraction.extractor import FeatureExtractor
from slidesieve.runtime.devices import set_threads
from slidesieve.store.atomic import write_text
from slidesieve.store.features import write_features
from slidesieve.synthetic.painter import SlideRecipe, write_demo_slide
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide
from slidesieve.vqa.demo import PATIENTS, demo_recipes, write_demo_questions

ENCODER = "colour_texture"
_SLIDES_PER_TASK = 6


def make_cohort(folder: Path, patients: int = PATIENTS, workers: int = 1) -> None:
    """Write features/<slide>.h5, slides.csv (the sample sheet) and questions.csv into a folder.

    Args:
        folder: Where they go.
        patients: Number of patients, one slide each.
        workers: Processes that paint and encode.
    """
    recipes = demo_recipes(patients)
    folder.joinpath("features").mkdir(parents=True, exist_ok=True)
    missing = [recipe for recipe in recipes if not _features(folder, recipe).exists()]
    tasks = [
        missing[start : start + _SLIDES_PER_TASK]
        for start in range(0, len(missing), _SLIDES_PER_TASK)
    ]
    # No forks: libraries of this process may hold locks.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        done = pool.map(_paint_and_encode, [folder] * len(tasks), tasks)
        for _ in tqdm(done, total=len(tasks), desc="painted slides", disable=None):
            pass
    rows = [f"{r.slide_id},{r.patient_id},{r.label}\n" for r in recipes]
    write_text(folder / "slides.csv", "".join(["slide_id,patient_id,label\n", *rows]))
    write_demo_questions(folder / "questions.csv", recipes)


def _features(folder: Path, recipe: SlideRecipe) -> Path:
    return folder / "features" / f"{recipe.slide_id}.h5"


def _paint_and_encode(folder: Path, recipes: Sequence[SlideRecipe]) -> None:
    set_threads(1)
    with FeatureExtractor(load_encoder(ENCODER), workers=1) as extractor:
        for recipe in recipes:
            slide = folder / f"{recipe.slide_id}.svs"
            truth = folder / "truth" / f"{recipe.slide_id}.png"
            write_demo_slide(recipe, slide, truth)
            tissue = segment_slide(slide, recipe.slide_id, TissueParams())
            tiles = tile_slide(slide, recipe.slide_id, tissue, TileSettings())
            write_features(_features(folder, recipe), extractor.extract(slide, tiles))
            slide.unlink()


def main() -> None:
    """Read the command line and make the cohort."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    make_cohort(options.folder, options.patients, options.workers)


if __name__ == "__main__":
    main()
