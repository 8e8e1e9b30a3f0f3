"""Small cohorts for whole runs."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

import pytest

from helpers.runner import Study
from helpers.toy_cohort import finished_once, make_toy
from slidesieve.cli.main import main


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory) -> Study:
    """A toy study that has run to its end; copy it before changing anything."""
    return finished_once(tmp_path_factory, "toy", make_toy)


@pytest.fixture
def toy(finished_toy, tmp_path) -> Study:
    """A copy of the finished toy study, times of files and Snakemake's memory included."""
    shutil.copytree(finished_toy.folder, tmp_path / "toy", symlinks=True)
    return Study(tmp_path / "toy")


@pytest.fixture(scope="session")
def toy_bundle(finished_toy, tmp_path_factory) -> Path:
    """A bundle of the toy study's abmil; copy it before changing anything."""
    out = tmp_path_factory.mktemp("toy_bundle") / "bundle"
    with contextlib.chdir(finished_toy.folder):
        assert main(["bundle", "results/toy", "--model", "abmil", str(out)]) == 0
    return out
