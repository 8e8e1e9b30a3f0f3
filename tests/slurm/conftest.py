"""A cluster, and the toy study on it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

# The toy study and the way to run Snakemake are those of the workflow tests.
from helpers.cluster import Cluster, die_with_parent, missing_for_a_cluster
from helpers.profile_run import TABLES
from helpers.runner import Study
from helpers.toy_cohort import finished_once, make_toy


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Slurm of this test process; tests that need it skip where there can be none."""
    missing = missing_for_a_cluster()
    if missing:
        pytest.skip(missing)
    die_with_parent()
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        started = Cluster(Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.stop()


@pytest.fixture(scope="session")
def local(cluster, tmp_path_factory) -> Study:
    """The toy study, finished without a cluster; not made where there is none to compare with."""
    return finished_once(tmp_path_factory, "toy_tables", make_toy, TABLES)


@pytest.fixture
def toy(tmp_path) -> Study:
    """The toy study, not begun."""
    study = Study(tmp_path)
    make_toy(study)
    return study


@pytest.fixture
def without(local, tmp_path) -> Callable[..., Study]:
    """Makes a copy of the finished study that lacks some of its results."""

    def copy(*missing: str) -> Study:
        study = Study(tmp_path / "study")
        shutil.copytree(local.folder, study.folder, symlinks=True)
        for path in missing:
            shutil.rmtree(study.result(f"toy/{path}"))
        return study

    return copy
