"""Snakemake with the cluster profile, at work on a study."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers.cluster import Cluster
from helpers.runner import REPO, Study

TABLES = [f"results/toy/{name}.csv" for name in ("cohort", "metrics", "summary", "comparisons")]
INDEX = "results/toy/features/colour_texture.csv"
# What docs/how-to/cluster.md tells a site without accounting and with short jobs to add.
SLURM = [
    *("--profile", str(REPO / "slurm")),
    *("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "2"),
    *("--latency-wait", "5", "--cores", "32"),
]
# Gone with the test, and open to Ctrl-C even where the tests are started in the background of a
# script, whose children ignore it.
_AS_FROM_A_TERMINAL = ["env", "--default-signal=INT", "setpriv", "--pdeathsig", "KILL"]


@dataclass
class ProfileRun:
    """Snakemake at work on a study, its jobs on a cluster."""

    study: Study
    cluster: Cluster
    process: subprocess.Popen
    log: Path

    def wait_for_job(self, rule: str) -> str:
        """Wait until a job of a rule (or group) runs; return its number."""
        self.cluster.wait_for(lambda: self.running(rule), f"a job of {rule}; {self.text[-3000:]}")
        return self.running(rule)[0]

    def running(self, rule: str) -> list[str]:
        """Numbers of the running jobs of a rule (or group)."""
        jobs = self.cluster.jobs("RUNNING")
        return [job.job_id for job in jobs if job.what.startswith(f"rule_{rule}")]

    @property
    def text(self) -> str:
        """What Snakemake has said so far."""
        return self.log.read_text()

    def finished_jobs(self) -> list[str]:
        """Snakemake's numbers of the jobs that it saw end well."""
        return re.findall(r"Finished jobid: (\d+)", self.text)

    def submitted_jobs(self) -> list[str]:
        """Slurm's numbers of the jobs of this run."""
        return re.findall(r"has been submitted with SLURM jobid (\d+)", self.text)

    def end(self, timeout_s: float = 800) -> int:
        """Wait for the end and return the exit status."""
        return self.process.wait(timeout=timeout_s)


@contextmanager
def profile_run(study: Study, cluster: Cluster, *arguments: str) -> Iterator[ProfileRun]:
    """Start Snakemake on a cluster; it is gone when the block is left."""
    log = study.folder / f"run{time.monotonic_ns()}.log"
    command = [part for part in study.command() if part not in ("--cores", "2")]
    with log.open("w") as file:
        process = subprocess.Popen(
            [*_AS_FROM_A_TERMINAL, *command, *arguments, *SLURM],
            cwd=study.folder,
            stdout=file,
            stderr=subprocess.STDOUT,
            env=cluster.environment | {"TQDM_DISABLE": "1"},
            start_new_session=True,
        )
        try:
            yield ProfileRun(study, cluster, process, log)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
