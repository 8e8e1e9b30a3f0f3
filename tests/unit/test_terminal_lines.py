"""Events of Snakemake become lines that a person understands."""

from __future__ import annotations

import logging

import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from snakemake_logger_plugin_slidesieve.lines import Terminal, job_title, stage_of


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def terminal(clock):
    return Terminal(dry_run=False, show_failed_logs=True, clock=clock)


@pytest.fixture
def dry_run(clock):
    return Terminal(dry_run=True, show_failed_logs=True, clock=clock)


def record(event=None, text=None, **fields):
    """A LogRecord with the fields that Snakemake 9.27 gives it."""
    made = logging.LogRecord("snakemake", logging.INFO, __file__, 1, text, None, None)
    if event is not None:
        made.event = event
    vars(made).update(fields)
    return made


def job(jobid, rule, wildcards=None, reason="", output=("out",), log=("log",)):
    """Snakemake's word that a job starts, or would."""
    return record(
        LogEvent.JOB_INFO,
        text=f" Rule: {rule}, Jobid: {jobid}",
        jobid=jobid,
        rule_name=rule,
        wildcards=wildcards or {},
        reason=reason,
        output=list(output),
        log=list(log),
    )


def said(terminal, *records):
    return [line for made in records for line in terminal.lines(made)]


def planned(**stats):
    stats["total"] = sum(stats.values())
    return record(LogEvent.RUN_INFO, text="Job stats: ...", stats=stats)


def finished(jobid):
    return record(LogEvent.JOB_FINISHED, text=f"Finished jobid: {jobid}", job_id=jobid)


def progress(done, total):
    return record(LogEvent.PROGRESS, done=done, total=total)


def error(jobid, rule, log):
    return record(
        LogEvent.JOB_ERROR,
        text=f"Error in rule {rule}",
        jobid=jobid,
        rule_name=rule,
        log=[str(path) for path in log],
    )


def test_jobs_of_shards_are_called_features(terminal):
    stats = {"tiles": 6, "features_toy_uni_0": 1, "features_toy_uni_1": 1}
    assert said(terminal, planned(**stats)) == ["8 jobs: tiles 6, features 2"]
    assert said(terminal, job(1, "features_toy_uni_0")) == ["start  features toy_uni, shard 0"]
    assert stage_of("features_toy_uni_0") == "features"
    # A stage of its own, which lists features.
    assert stage_of("feature_index") == "feature_index"


def test_one_job_is_no_plural(terminal):
    assert said(terminal, planned(tiles=1)) == ["1 job: tiles 1"]


@pytest.mark.parametrize(
    ("rule", "wildcards", "title"),
    [
        ("audit", {}, "audit"),
        ("tissue", {"dataset": "demo", "slide": "s1"}, "tissue demo, s1"),
        (
            "train_0-4",
            {"dataset": "demo", "encoder": "uni", "model": "abmil"},
            "train demo, uni, abmil, fold 0-4",
        ),
        ("features_demo_colour_texture_all", {}, "features demo_colour_texture, shard all"),
    ],
)
def test_a_job_is_named_by_its_stage_and_its_work(rule, wildcards, title):
    assert job_title(rule, wildcards) == title


def test_a_job_that_ends_says_how_long_it_took_and_what_is_left(terminal, clock):
    said(terminal, planned(tissue=4), job(1, "tissue", {"slide": "s0"}))
    clock.now = 90
    assert said(terminal, finished(1)) == [
        "done   tissue s0, 0:01:30  [1 of 4, 25%, about 0:04:30 left]"
    ]


def test_jobs_side_by_side_are_timed_each_by_itself(terminal, clock):
    said(terminal, planned(tissue=2), job(1, "tissue", {"slide": "s0"}))
    clock.now = 60
    said(terminal, job(2, "tissue", {"slide": "s1"}))
    clock.now = 100
    assert said(terminal, finished(2), progress(1, 2)) == [
        "done   tissue s1, 0:00:40  [1 of 2, 50%, about 0:01:40 left]"
    ]
    clock.now = 120
    assert said(terminal, finished(1)) == ["done   tissue s0, 0:02:00  [2 of 2, 100%]"]


def test_the_target_counts_but_has_no_line(terminal):
    target = job(3, "all", output=(), log=())
    said(terminal, planned(tissue=1, all=1), job(1, "tissue"), finished(1))
    assert said(terminal, target, finished(3)) == []


def test_a_failed_job_shows_the_end_of_its_log(terminal, tmp_path):
    log = tmp_path / "s0.log"
    log.write_text("".join(f"line {number}\n" for number in range(30)))
    said(terminal, job(1, "tissue", {"slide": "s0"}))
    lines = said(terminal, error(1, "tissue", [log]))
    assert lines[:2] == ["FAILED tissue s0", f"       log: {log}"]
    assert lines[2:] == [f"       | line {number}" for number in range(10, 30)]


def test_a_log_that_was_never_written_is_named_only(terminal, tmp_path):
    lines = said(terminal, error(1, "features_toy_uni_0", [tmp_path / "none.log"]))
    assert lines == ["FAILED features", f"       log: {tmp_path}/none.log"]


def test_logs_stay_closed_where_they_are_not_asked_for(clock, tmp_path):
    (tmp_path / "s0.log").write_text("secret\n")
    terminal = Terminal(dry_run=False, show_failed_logs=False, clock=clock)
    lines = said(terminal, error(1, "tissue", [tmp_path / "s0.log"]))
    assert lines == ["FAILED tissue", f"       log: {tmp_path}/s0.log"]


def test_each_job_of_a_failed_group_is_named_once(terminal, tmp_path):
    """Snakemake reports the group, then each of its jobs."""
    slurm = tmp_path / "slurm.log"
    slurm.write_text("out of memory\n")
    failed = [{"jobid": 1, "rule_name": "tissue", "log": []}]
    group = record(LogEvent.GROUP_ERROR, groupid="g", aux_logs=[str(slurm)], job_error_info=failed)
    lines = said(terminal, job(1, "tissue", {"slide": "s0"}), group, error(1, "tissue", []))
    assert lines.count("FAILED tissue s0") == 1
    assert f"       log: {slurm}" in lines
    assert "       | out of memory" in lines


def test_a_dry_run_lists_jobs_with_the_first_words_of_their_reason(dry_run):
    reason = "Missing output files: results/toy/tiles/s0.h5, results/toy/tissue/s0.jpg"
    lines = said(dry_run, planned(tiles=1), job(1, "tiles", {"slide": "s0"}, reason))
    assert lines == ["1 job: tiles 1", "tiles s0  (missing output files)"]
    assert said(dry_run, job(2, "tiles", {"slide": "s1"})) == ["tiles s1  (asked for)"]
    # A dry run says the counts again at its end.
    assert said(dry_run, planned(tiles=1)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Using workflow specific profile profiles/default for setting default command line ...",
        "Assuming unrestricted shared filesystem usage.",
        "Building DAG of jobs...",
        "Select jobs to execute...",
        "Conda environments: ignored",
        "RuleException:\nCalledProcessError in file tissue.smk, line 30:\nCommand ...",
        "",
        None,
    ],
)
def test_snakemakes_words_about_itself_are_left_out(terminal, text):
    assert said(terminal, record(text=text)) == []


@pytest.mark.parametrize(
    "text", ["Nothing to be done.", "toy: 1 of 6 slides were left out; see results/toy/cohort.csv"]
)
def test_other_messages_are_shown(terminal, text):
    assert said(terminal, record(text=f"{text}\n")) == [text]
    assert said(terminal, record(LogEvent.ERROR, text=text, exception="WorkflowError")) == [text]


@pytest.mark.parametrize(
    "event", [LogEvent.RESOURCES_INFO, LogEvent.JOB_STARTED, LogEvent.WORKFLOW_STARTED]
)
def test_events_that_say_nothing_new_have_no_line(terminal, event):
    assert said(terminal, record(event, text="Provided cores: 2", jobs=[1])) == []
