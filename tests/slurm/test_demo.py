"""The whole demo, on this machine alone and through a cluster."""

from __future__ import annotations

import pytest

from helpers.profile_run import profile_run
from helpers.runner import make_demo

HOUR_S = 3600


@pytest.mark.demo
@pytest.mark.timeout(2 * HOUR_S)
def test_the_demo_is_the_same_on_a_cluster(cluster, tmp_path):
    local, on_cluster = make_demo(tmp_path / "local"), make_demo(tmp_path / "cluster")
    local.snakemake()
    with profile_run(on_cluster, cluster) as run:
        assert run.end(HOUR_S) == 0, run.text
    assert len(local.csvs()) > 50
    assert on_cluster.csvs() == local.csvs()
