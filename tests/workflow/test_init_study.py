"""Own slides: three commands from an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys

import pandas as pd
import pytest

from helpers.toy_cohort import N_PATIENTS, paint_toy_slide
from slidesieve.store.tables import read_csv

pytestmark = pytest.mark.slow


def slidesieve(folder, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "slidesieve.cli.main", *arguments],
        cwd=folder,
        env=os.environ | {"TQDM_DISABLE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_a_study_that_init_wrote_runs_reports_and_audits(tmp_path):
    slides, folder = tmp_path / "slides", tmp_path / "work"
    slides.mkdir()
    folder.mkdir()
    for number in range(N_PATIENTS):
        paint_toy_slide(slides / f"s{number}.svs", number, bool(number % 2))
    flags = ["--slides", str(slides), "--classes", "benign,tumour", "--models", "abmil,mean"]
    slidesieve(folder, "init", "mine", *flags)
    sheet = pd.read_csv(folder / "mine_slides.csv", dtype=str)
    sheet["label"] = ["tumour" if number % 2 else "benign" for number in range(N_PATIENTS)]
    sheet.to_csv(folder / "mine_slides.csv", index=False)
    config = folder / "mine.yaml"
    text = config.read_text().replace("k: 5", "k: 2").replace("tile_px: 256", "tile_px: 128")
    config.write_text(text + "\ntraining: {epochs: 3}\n")
    slidesieve(folder, "run", "mine.yaml", "--cores", "2")
    metrics = read_csv(folder / "results/mine/metrics.csv")
    assert set(metrics["model"]) == {"abmil", "mean"}
    assert {path.name for path in (folder / "results").iterdir()} == {"mine"}
    slidesieve(folder, "report", "mine.yaml", "report.html")
    assert "summary.html" in (folder / "report.html").read_text()
    assert "0 faults" in slidesieve(folder, "audit", "mine", "--configfile", "mine.yaml")
