"""A run on a real Slurm ends like a local one, whatever happens to its jobs on the way."""

from __future__ import annotations

import os
import signal
import time

import pytest

from helpers.cluster import GPUS
from helpers.profile_run import INDEX, TABLES, profile_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

SOME_FEATURES = "results/toy/features/colour_texture/s0.h5"


def test_through_a_lost_job_and_a_drained_node(toy, local, cluster):
    with profile_run(toy, cluster, *TABLES) as run:
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
    done = run.finished_jobs()
    assert len(done) == len(set(done))


def test_a_killed_snakemake_is_followed_by_one_that_goes_on(without, local, cluster):
    study = without("features")
    with profile_run(study, cluster, INDEX) as run:
        run.wait_for_job("features")
        os.killpg(run.process.pid, signal.SIGKILL)
    # Slurm knows nothing of it: the jobs go on, and are waited for before the next run.
    cluster.wait_for(lambda: not cluster.jobs("RUNNING", "PENDING"), "the orphans")
    features = study.result("toy/features/colour_texture")
    made = {path.name: path.stat().st_ino for path in features.glob("*.h5")}
    assert made
    study.snakemake("--unlock")
    with profile_run(study, cluster, INDEX) as run:
        assert run.end() == 0, run.text
    assert {name: (features / name).stat().st_ino for name in made} == made
    index = "toy/features/colour_texture.csv"
    assert study.result(index).read_bytes() == local.result(index).read_bytes()


def test_ctrl_c_cancels_the_jobs(without, cluster):
    with profile_run(without("features"), cluster, INDEX) as run:
        run.wait_for_job("features")
        run.process.send_signal(signal.SIGINT)
        assert run.end() != 0
    cluster.wait_for(lambda: not cluster.jobs("RUNNING", "PENDING", "COMPLETING"), "their end")
    ends = {job.job_id: job.state for job in cluster.jobs()}
    assert {ends[job] for job in run.submitted_jobs()} == {"CANCELLED"}


def test_a_job_over_its_memory_is_killed_and_gets_more(without, cluster):
    """Memory grows by attempt: a first attempt with too little is no end of the run."""
    study = without("features")
    config = study.config
    config["resources"]["features"]["mem_mb"] = 150  # Python alone takes more
    study.write_config(config)
    with profile_run(study, cluster, SOME_FEATURES, "--retries", "5") as run:
        assert run.end() == 0, run.text
    slurm_logs = study.folder.rglob(".snakemake/slurm_logs/rule_features*/**/*.log")
    assert any("exceeded memory limit" in log.read_text() for log in slurm_logs)
    assert (study.folder / SOME_FEATURES).exists()


def test_a_job_over_its_time_is_killed_and_gets_more(without, cluster):
    study = without("features")
    with profile_run(study, cluster, SOME_FEATURES) as run:
        slow = run.wait_for_job("features")
        cluster.wait_for(lambda: slow in cluster.steps(), "the job to work")
        cluster.run("scancel", "--signal=STOP", slow)
        had = cluster.time_limit(slow)
        cluster.run("scontrol", "update", f"jobid={slow}", "endtime=now")
        cluster.wait_for(lambda: set(run.running("features")) - {slow}, "the next attempt")
        (again,) = run.running("features")
        assert cluster.time_limit(again) == 2 * had
        assert run.end() == 0, run.text
    assert f"SLURM-job '{slow}' failed, SLURM status is: 'TIMEOUT'" in run.text
    assert (study.folder / SOME_FEATURES).exists()


def test_gpu_jobs_run_one_a_gpu_and_the_others_wait(without, local, cluster):
    study = without("models", "predictions")
    config = study.config
    config["resources"]["train"] = {"slides_per_job": 6}  # a job per fold, four in all
    study.write_config(config)
    models = [f"results/toy/predictions/colour_texture/{name}.csv" for name in ("abmil", "mean")]
    most_at_once, waited_for = 0, set()
    with profile_run(study, cluster, *models) as run:
        while run.process.poll() is None:
            jobs = [job for job in cluster.jobs("RUNNING", "PENDING") if "rule_train" in job.what]
            most_at_once = max(most_at_once, sum(job.state == "RUNNING" for job in jobs))
            waited_for |= {job.reason for job in jobs if job.state == "PENDING"}
            time.sleep(0.1)
        assert run.end() == 0, run.text
    assert most_at_once == GPUS
    assert "Resources" in waited_for
    assert study.csvs() == local.csvs()
