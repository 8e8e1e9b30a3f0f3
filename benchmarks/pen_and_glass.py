"""How much pen is found, how much tissue is lost, and what tinted glass does.

Real and painted thumbnails get strokes of every ink, on glass and on tissue, and glass of every
tint. Run: python benchmarks/pen_and_glass.py [folder of slides]
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview
from slidesieve.synthetic.painter.painting import paint
from slidesieve.synthetic.painter.pens import INKS, draw_stroke
from slidesieve.synthetic.painter.recipes import demo_recipes
from slidesieve.tissue.mask import tissue_mask
from slidesieve.tissue.params import TissueParams

UM_PER_PX = 8.0
N_PAINTED = 6
REAL = {"CMU-1-Small-Region.svs": 0.499, "tcga-cr-7395-01a-01-ts1.svs": 0.5}


@dataclass(frozen=True)
class Base:
    """A thumbnail without pen, and its tissue."""

    name: str
    rgb: NDArray[np.uint8]
    tissue: NDArray[np.bool_]


def bases(folder: Path) -> list[Base]:
    """Thumbnails of real slides, if there, and of painted ones."""
    found = []
    for name, mpp in REAL.items():
        if (folder / name).exists():
            with open_slide(folder / name) as slide:
                found.append((name[:4], read_overview(slide, mpp, UM_PER_PX).rgb))
    clean = [r for r in demo_recipes() if not r.defect and r.mpp == 0.5]
    for recipe in clean[:N_PAINTED]:
        rgb = paint(replace(recipe, artefacts=())).rgb
        size = rgb.shape[1] // 16, rgb.shape[0] // 16
        found.append((recipe.slide_id, cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)))
    params = replace(TissueParams(), exclude_pen=False)
    return [Base(name, rgb, tissue_mask(rgb, UM_PER_PX, params)) for name, rgb in found]


def strokes(base: Base, ink: str, on_tissue: bool, width_um: float, seed: int) -> dict[str, float]:
    """Draw a stroke and segment: share of its px left as tissue, share of other tissue lost."""
    rng = np.random.default_rng([seed, *ink.encode()])
    where = np.argwhere(cv2.erode((base.tissue == on_tissue).astype(np.uint8), np.ones((9, 9))))
    y, x = where[rng.integers(len(where))]
    rgb, truth = draw_stroke(
        rng, base.rgb, INKS[ink], (x, y), 1500 / UM_PER_PX, width_um / UM_PER_PX
    )
    mask = tissue_mask(rgb, UM_PER_PX, TissueParams())
    before = tissue_mask(base.rgb, UM_PER_PX, TissueParams())
    side = 2 * round(120 / UM_PER_PX) + 1
    near = cv2.dilate(truth.astype(np.uint8), np.ones((side, side))) > 0
    pen = truth & (base.tissue == on_tissue)
    far = before & ~near
    return {"recall": 1 - mask[pen].mean(), "loss": (far & ~mask).sum() / max(1, far.sum())}


def tinted(base: Base, tint: NDArray[np.float64]) -> float:
    """IoU of the tissue found on glass of another colour with that on the slide's own."""
    glass = np.median(base.rgb[~base.tissue], axis=0) if (~base.tissue).any() else 245.0
    rgb = np.clip(base.rgb / glass * tint, 0, 255).astype(np.uint8)
    mask = tissue_mask(rgb, UM_PER_PX, TissueParams())
    return (mask & base.tissue).sum() / (mask | base.tissue).sum()


def tint(saturation: int, hue: int) -> NDArray[np.float64]:
    """A bright colour of that saturation and hue (OpenCV's)."""
    hsv = np.array([[[hue, saturation, 245]]], np.uint8)
    return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0].astype(np.float64)


def main() -> None:
    """Print three tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slides", type=Path, nargs="?", default=Path("../shared/data/slides"))
    folder = parser.parse_args().slides
    all_bases = bases(folder)
    print(f"{len(all_bases)} thumbnails: {', '.join(base.name for base in all_bases)}\n")
    print("| ink | pen found on glass | pen found on tissue | other tissue lost, mean | worst |")
    print("|---|---|---|---|---|")
    for ink in INKS:
        found: dict[bool, list[float]] = defaultdict(list)
        lost: list[float] = []
        for base in all_bases:
            for on_tissue in (False, True):
                for seed, width_um in enumerate((200, 400, 800)):
                    result = strokes(base, ink, on_tissue, width_um, seed)
                    found[on_tissue].append(result["recall"])
                    lost.append(result["loss"])
        on_glass, on_tissue_found = (np.nanmean(found[place]) for place in (False, True))
        print(
            f"| {ink} | {on_glass:.1%} | {on_tissue_found:.1%} | {np.mean(lost):.2%} "
            f"| {np.max(lost):.1%} |"
        )
    print("\n| glass saturation | yellow | pink | blue | green |\n|---|---|---|---|---|")
    for saturation in (0, 10, 20, 30, 36, 40, 50, 60):
        cells = [
            np.mean([tinted(base, tint(saturation, hue)) for base in all_bases])
            for hue in (25, 165, 110, 60)
        ]
        print(f"| {saturation} | " + " | ".join(f"{cell:.3f}" for cell in cells) + " |")


if __name__ == "__main__":
    main()
