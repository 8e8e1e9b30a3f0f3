"""Killed at any moment, the next run ends with the same bytes in the CSVs."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from helpers.runner import Study, make_demo
from helpers.toy_cohort import make_toy

pytestmark = pytest.mark.slow

KILLS = 3
DEMO_KILLS = 4


def kill_after(study: Study, seconds: float) -> None:
    """Start a run and kill it with all its children, as a power cut would."""
    process = subprocess.Popen(
        study.command(),
        cwd=study.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def kill_again_and_again(study: Study, moments: list[int]) -> None:
    """Kill runs of a study after so many seconds each, then let one end."""
    for seconds in moments:
        kill_after(study, seconds)
        study.snakemake("--unlock")
    study.snakemake()


def test_a_run_killed_again_and_again_ends_like_an_undisturbed_one(finished_toy, tmp_path):
    study = Study(tmp_path)
    make_toy(study)
    kill_again_and_again(study, random.Random(0).sample(range(6, 30), KILLS))
    assert study.csvs() == finished_toy.csvs()


@pytest.mark.demo
def test_the_demo_killed_again_and_again_ends_like_an_undisturbed_one(tmp_path):
    undisturbed, killed = make_demo(tmp_path / "undisturbed"), make_demo(tmp_path / "killed")
    undisturbed.snakemake()
    kill_again_and_again(killed, random.SystemRandom().sample(range(8, 60), DEMO_KILLS))
    assert len(killed.csvs()) > 50
    assert killed.csvs() == undisturbed.csvs()


def test_two_undisturbed_runs_are_the_same(finished_toy, tmp_path):
    study = Study(tmp_path)
    make_toy(study)
    shutil.copytree(finished_toy.result("toy/features"), study.result("toy/features"))
    study.snakemake()
    assert study.csvs() == finished_toy.csvs()
