"""Small cohorts for whole runs."""

from __future__ import annotations

import shutil

import pytest

from helpers.runner import Study
from helpers.toy_cohort import finished_once, make_toy


@pytest.fixture(scope="session")
def finished_toy(tmp_path_factory) -> Study:
    """A toy study that has run to its end; copy it before changing anything."""
    return finished_once(tmp_path_factory, "toy", make_toy)


@pytest.fixture
def toy(finished_toy, tmp_path) -> Study:
    """A copy of the finished toy study, times of files and Snakemake's memory included."""
    shutil.copytree(finished_toy.folder, tmp_path / "toy", symlinks=True)
    return Study(tmp_path / "toy")
