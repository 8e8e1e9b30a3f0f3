"""A controller that is away for a while loses no job, and no job is done twice."""

from __future__ import annotations

import time

import pytest

from helpers.profile_run import INDEX, profile_run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1000)]

PREDICTIONS = "results/toy/predictions/colour_texture/abmil.csv"
# Snakemake's default of five questions, of nine seconds each, is over by then.
LONG_S = 70
SHORT_S = 3


def launched_once(run) -> bool:
    """Whether the node has started every job of a run exactly once."""
    launches = run.cluster.launches()
    return all(launches.count(job) == 1 for job in run.submitted_jobs())


def test_jobs_end_while_the_controller_is_away(without, local, cluster):
    study = without("features")
    with profile_run(study, cluster, INDEX) as run:
        run.wait_for_job("features")
        cluster.wait_for(lambda: set(run.running("features")) <= cluster.steps(), "both to work")
        cluster.stop_controller()
        time.sleep(LONG_S)
        features = study.result("toy/features/colour_texture")
        done_meanwhile = sorted(path.name for path in features.glob("*.h5"))
        cluster.start_controller()
        assert run.end() == 0, run.text
    assert done_meanwhile == [f"s{number}.h5" for number in range(6)]
    assert study.csvs() == local.csvs()
    assert run.text.count("rule features_") == 2
    assert launched_once(run)


def test_jobs_that_have_just_started_wait_for_the_controller(without, local, cluster):
    study = without("models", "predictions")
    with profile_run(study, cluster, PREDICTIONS) as run:
        run.wait_for_job("train")
        cluster.stop_controller()
        time.sleep(SHORT_S)
        cluster.start_controller()
        assert run.end() == 0, run.text
    predictions = "toy/predictions/colour_texture/abmil.csv"
    assert study.result(predictions).read_bytes() == local.result(predictions).read_bytes()
    assert launched_once(run)
