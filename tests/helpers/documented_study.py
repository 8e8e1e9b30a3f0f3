"""The study that the documentation speaks of: `my_study`, with ten toy slides in two classes."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from filelock import FileLock

from helpers.archive_tables import MANIFEST_HEADER, PANDA_HEADER, write_lines
from helpers.archive_tables import write_sheet as write_gdc_sheet
from helpers.runner import CORES, REPO
from helpers.toy_cohort import paint_toy_slide

CLASSES = ("LUAD", "LUSC")
N_SLIDES = 10
# Neither a token nor a hub: nothing may be asked of a network.
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_TOKEN": "", "TQDM_DISABLE": "1"}


def label_of(number: int) -> str:
    """The class of a case, by its number."""
    return CLASSES[number % 2]


def paint_slides(folder: Path) -> None:
    """case1_A … case10_A; those of the first class have a lesion."""
    folder.mkdir()
    for number in range(1, N_SLIDES + 1):
        is_tumour = label_of(number) == CLASSES[0]
        paint_toy_slide(folder / f"case{number}_A.svs", number, is_tumour)


def fill_in(sheet: Path) -> None:
    """What a person does: patient and label of each slide."""
    with sheet.open(newline="") as file:
        reader = csv.DictReader(file)
        rows, columns = list(reader), reader.fieldnames
    assert len(rows) == N_SLIDES
    for row in rows:
        row["patient_id"] = row["slide_id"].removesuffix("_A")
        row["label"] = label_of(int(row["patient_id"].removeprefix("case")))
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def write_other_inputs(folder: Path) -> None:
    """What other pages start from: labels of features, a cluster's profile, archives' tables."""
    write_lines(
        folder / "labels.csv",
        [
            "slide_id,patient_id,label",
            *(f"case{n}_A,case{n},{label_of(n)}" for n in range(1, N_SLIDES + 1)),
        ],
    )
    shutil.copytree(REPO / "slurm", folder / "slurm")
    for place in ("data/tcga_nsclc", "train_images"):
        (folder / place).mkdir(parents=True)
    write_gdc_sheet(folder / "gdc_sample_sheet.tsv", {"TCGA-LUAD": 3, "TCGA-BRCA": 3})
    name = "TCGA-05-4244-01Z-00-DX1.4D78.svs"
    for place in ("data/tcga_nsclc", "train_images"):
        for case in range(4000, 4003):
            (folder / place / f"TCGA-05-{case}-01Z-00-DX1.4D78.svs").touch()
    (folder / "train_images/b1.tiff").touch()
    write_lines(folder / "gdc_manifest.txt", [MANIFEST_HEADER, f"uuid\t{name}\tmd5\t1\tlive"])
    write_lines(
        folder / "clinical.tsv",
        [
            "case_id\tcase_submitter_id\tproject_id\tage_at_index\tprimary_diagnosis",
            "1\tTCGA-A2-4000\tTCGA-BRCA\t60\tInfiltrating duct carcinoma, NOS",
        ],
    )
    write_lines(folder / "train.csv", [PANDA_HEADER, "b1,karolinska,0,0+0"])


def run_line(command: str, folder: Path, slides: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line of the documentation in a folder, its placeholders filled in."""
    filled = command
    for placeholder, meant in (
        ("/path/to/slidesieve", str(REPO)),
        ("/path/to/slides", str(slides)),
        ("/path/to/features", "results/my_study/features/colour_texture"),
        ("results/demo/", "results/my_study/"),
        ("--cores 4", f"--cores {CORES}"),
    ):
        filled = filled.replace(placeholder, meant)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", filled],
        cwd=folder,
        env=os.environ | OFFLINE | {"PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def finished_study(
    tmp_path_factory: pytest.TempPathFactory,
    lines: Sequence[str],
    after: dict[str, Callable[[Path], None]],
) -> Path:
    """The folder of the study after these lines have run there, once for all test processes.

    Args:
        tmp_path_factory: Of pytest.
        lines: Commands in their order.
        after: What a person does after a line that begins so, in the folder.
    """
    base = tmp_path_factory.getbasetemp()
    # Under pytest-xdist every worker has a folder of its own inside the run's.
    root = base.parent if base.name.startswith("popen-") else base
    folder, slides = root / "documented" / "study", root / "documented" / "slides"
    with FileLock(root / "documented.lock"):
        if not (root / "documented.done").exists():
            shutil.rmtree(root / "documented", ignore_errors=True)
            folder.mkdir(parents=True)
            paint_slides(slides)
            for line in lines:
                done = run_line(line, folder, slides)
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
                for beginning, act in after.items():
                    if line.startswith(beginning):
                        act(folder)
            write_other_inputs(folder)
            (root / "documented.done").touch()
    return folder
