"""A small cohort of six plain slides, for whole runs that take a minute."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from helpers.runner import Study
from slidesieve.synthetic.painter.pyramid import array_picture, write_aperio

SIDE_PX = 1280
N_PATIENTS = 6


def paint_toy_slide(path: Path, seed: int, is_tumour: bool) -> None:
    """A pink square of tissue on glass; tumour slides have dark violet spots in one corner."""
    rng = np.random.default_rng(seed)
    rgb = np.full((SIDE_PX, SIDE_PX, 3), 243, np.uint8)
    tissue = np.s_[150:-150, 150:-150]
    side = SIDE_PX - 300
    rgb[tissue] = np.clip(rng.normal((225, 150, 190), 12, (side, side, 3)), 0, 255)
    if is_tumour:
        spots = np.s_[300:620, 300:620]
        rgb[spots] = np.clip(rng.normal((110, 60, 140), 25, (320, 320, 3)), 0, 255)
    write_aperio(path, array_picture(rgb, (1, 4)), (1, 4), 0.5)


def write_sheet(path: Path, rows: list[dict]) -> None:
    """Write a sample sheet of rows that may differ in their columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def toy_config() -> dict:
    """A config of one small dataset."""
    return {
        "datasets": {
            "toy": {
                "slides": "slides.csv",
                "classes": ["benign", "tumour"],
                "tile_px": 128,
                "folds": {"k": 2},
            }
        },
        "encoders": ["colour_texture"],
        "models": {"abmil": {"aggregator": "abmil"}, "mean": {"aggregator": "mean"}},
        "training": {"epochs": 20, "patience": 5},
        "evaluation": {"bootstrap": 100, "compare_to": "mean"},
        "report": {"heatmap_model": "abmil", "heatmaps_per_class": 1},
        # Shards of s0, s1, s2 and of s3, s4, s5.
        "resources": {"features": {"slides_per_job": 4}},
    }


def make_toy(study: Study) -> None:
    """Paint the slides of a toy study and write its sheet and config."""
    (study.folder / "slides").mkdir()
    rows = []
    for patient in range(N_PATIENTS):
        is_tumour = bool(patient % 2)
        path = f"slides/s{patient}.svs"
        paint_toy_slide(study.folder / path, patient, is_tumour)
        label = "tumour" if is_tumour else "benign"
        rows.append(
            {"slide_id": f"s{patient}", "patient_id": f"P{patient}", "label": label, "path": path}
        )
    write_sheet(study.folder / "slides.csv", rows)
    study.write_config(toy_config())


def finished_once(
    tmp_path_factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[Study], None],
    targets: Sequence[str] = (),
    run: Callable[[Study], object] | None = None,
) -> Study:
    """A study that has run to its end, once for all test processes that want it.

    Args:
        tmp_path_factory: Of pytest.
        name: Of its folder.
        make: Writes its slides, sheet and config.
        targets: All, if none is named.
        run: In place of a run of the workflow.
    """
    base = tmp_path_factory.getbasetemp()
    # Under pytest-xdist every worker has a folder of its own inside the run's.
    root = base.parent if base.name.startswith("popen-") else base
    study, done = Study(root / name), root / f"{name}.done"
    with FileLock(root / f"{name}.lock"):
        if not done.exists():
            study.folder.mkdir()
            make(study)
            run(study) if run else study.snakemake(*targets)
            done.touch()
    return study
