"""A run on a real Slurm ends like a local one, whatever happens to it on the way."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster import GPUS, Cluster
from runner import REPO, Study
from toy_cohort import make_toy

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TABLES = [f"results/toy/{name}.csv" for name in ("cohort", "metrics", "summary", "comparisons")]
INDEX = "results/toy/features/colour_texture.csv"
SLURM = [
    *("--profile", str(REPO / "slurm"), "--workflow-profile", str(REPO / "profiles/default")),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--latency-wait", "5", "--cores", "32"),
]


@dataclass
class ClusterRun:
    """Snakemake at work on a study, its jobs on a cluster."""

    study: Study
    cluster: Cluster
    process: subprocess.Popen
    log: Path

    def wait_for_job(self, rule: str) -> str:
        """Wait until a job of a rule (or group) runs; return its number."""
        found: list[str] = []

        def is_running() -> bool:
            jobs = self.cluster.jobs("RUNNING")
            found.extend(job.job_id for job in jobs if job.what.startswith(f"rule_{rule}"))
            return bool(found)

        self.cluster.wait_for(is_running, f"a job of {rule}; {self.text[-3000:]}")
        return found[0]

    @property
    def text(self) -> str:
        """What Snakemake has said so far."""
        return self.log.read_text()

    def end(self) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(timeout=400)


@contextmanager
def cluster_run(study: Study, cluster: Cluster, *arguments: str) -> Iterator[ClusterRun]:
    """Start Snakemake on a cluster; it is gone when the block is left."""
    log = study.folder / f"run{time.monotonic_ns()}.log"
    command = [part for part in study.command() if part not in ("--cores", "2")]
    with log.open("w") as file:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command, *arguments, *SLURM],
            cwd=study.folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=cluster.environment | {"TQDM_DISABLE": "1"},
            start_new_session=True,
        )
        try:
            yield ClusterRun(study, cluster, process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Study:
    """The toy study, finished without a cluster."""
    study = Study(tmp_path_factory.mktemp("local"))
    make_toy(study)
    study.snakemake(*TABLES)
    return study


@pytest.fixture
def toy(tmp_path) -> Study:
    """The toy study, not begun."""
    study = Study(tmp_path)
    make_toy(study)
    return study


def finished_jobs(text: str) -> list[str]:
    """Numbers Snakemake gave the jobs that it saw end well."""
    return re.findall(r"Finished jobid: (\d+)", text)


def test_through_a_lost_job_and_a_drained_node(toy, local, cluster):
    with cluster_run(toy, cluster, *TABLES) as run:
        lost = run.wait_for_job("features")
        cluster.run("scancel", lost)
        cluster.drain()
        cluster.wait_for(lambda: "drained" in cluster.node_state(), "the node to drain")
        waiting = cluster.jobs("RUNNING")
        cluster.resume()
        assert run.end() == 0, run.text
    assert waiting == []
    assert f"SLURM-job '{lost}' failed" in run.text
    assert toy.csvs() == local.csvs()
    done = finished_jobs(run.text)
    assert len(done) == len(set(done))


def test_a_killed_snakemake_is_followed_by_one_that_goes_on(toy, local, cluster):
    with cluster_run(toy, cluster, INDEX) as run:
        run.wait_for_job("features")
        os.killpg(run.process.pid, signal.SIGKILL)
    # Slurm knows nothing of it: the jobs go on, and are waited for before the next run.
    cluster.wait_for(lambda: not cluster.jobs("RUNNING", "PENDING"), "the orphans")
    features = toy.result("toy/features/colour_texture")
    made = {path.name: path.stat().st_ino for path in features.glob("*.h5")}
    assert made
    toy.snakemake("--unlock")
    with cluster_run(toy, cluster, INDEX) as run:
        assert run.end() == 0, run.text
    assert {name: (features / name).stat().st_ino for name in made} == made
    index = "toy/features/colour_texture.csv"
    assert toy.result(index).read_bytes() == local.result(index).read_bytes()


def test_a_job_over_its_memory_is_killed_and_gets_more(toy, cluster):
    """Memory grows by attempt: a first attempt with too little is no end of the run."""
    config = toy.config
    config["resources"]["features"]["mem_mb"] = 150  # Python alone takes more
    toy.write_config(config)
    target = "results/toy/features/colour_texture/s0.h5"
    with cluster_run(toy, cluster, target, "--retries", "5") as run:
        assert run.end() == 0, run.text
    slurm_logs = toy.folder.rglob(".snakemake/slurm_logs/rule_features*/**/*.log")
    assert any("exceeded memory limit" in log.read_text() for log in slurm_logs)
    assert toy.result("toy/features/colour_texture/s0.h5").exists()


def test_gpu_jobs_run_one_a_gpu_and_the_others_wait(local, tmp_path, cluster):
    study = Study(tmp_path / "study")
    shutil.copytree(local.folder, study.folder, symlinks=True)
    for name in ("models", "predictions"):
        shutil.rmtree(study.result(f"toy/{name}"))
    models = [f"results/toy/predictions/colour_texture/{name}.csv" for name in ("abmil", "mean")]
    most_at_once, waited_for = 0, set()
    with cluster_run(study, cluster, *models) as run:
        while run.process.poll() is None:
            jobs = [job for job in cluster.jobs("RUNNING", "PENDING") if "rule_train" in job.what]
            most_at_once = max(most_at_once, sum(job.state == "RUNNING" for job in jobs))
            waited_for |= {job.reason for job in jobs if job.state == "PENDING"}
            time.sleep(0.1)
        assert run.end() == 0, run.text
    assert most_at_once == GPUS
    assert "Resources" in waited_for
    assert study.csvs() == local.csvs()
