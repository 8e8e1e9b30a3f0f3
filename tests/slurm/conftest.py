"""A cluster for the whole session, and the toy study on it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster, missing_for_a_cluster

# The toy study and the way to run Snakemake are those of the workflow tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A running Slurm; tests that need it skip where there can be none."""
    missing = missing_for_a_cluster()
    if missing:
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="slurm-") as folder:
        started = Cluster(Path(folder))
        try:
            started.start()
            yield started
        finally:
            started.stop()
