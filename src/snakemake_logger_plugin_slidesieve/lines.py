"""Events of a run as lines for a person."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from logging import LogRecord
from pathlib import Path

from snakemake_interface_logger_plugins.common import LogEvent

# Nothing of `slidesieve` is imported: the Snakefile chooses which checkout that name means.
_TAIL_LINES = 20
# Rules of shards are called features_<dataset>_<encoder>_<shard> and train_<folds>.
_SHARDED = ("features", "train")
# Words of Snakemake that say nothing to a user of a study.
_SKIPPED = (
    "Using workflow specific profile",
    "Assuming unrestricted shared filesystem usage",
    "host:",
    "Building DAG of jobs",
    "Using shell:",
    "Provided cores",
    "Provided resources",
    "Provided remote nodes",
    "Rules claiming more threads",
    "Select jobs to execute",
    "Execute ",
    "Conda environments: ignored",
    "Touching output file",
    "Reasons:",
    "DAG of jobs will be updated",
    # A failed script has said its error already, and FAILED names the job.
    "RuleException:\nCalledProcessError",
)


class SnakemakeRecord(LogRecord):
    """A record with the fields that Snakemake adds, those of its own event."""

    done: int
    total: int
    stats: Mapping[str, int]
    rule_name: str
    wildcards: Mapping[str, str]
    jobid: int
    job_id: int
    reason: str
    output: Sequence[str]
    log: Sequence[str]
    aux_logs: Sequence[str]


class Terminal:
    """The events of a run so far, and the lines that tell the next ones.

    Args:
        dry_run: Whether jobs are only listed.
        show_failed_logs: Whether the end of a failed job's log is shown.
        clock: Seconds that only rise.
    """

    def __init__(
        self,
        dry_run: bool,
        show_failed_logs: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._dry_run, self._show_failed_logs, self._clock = dry_run, show_failed_logs, clock
        self._titles: dict[int, str] = {}
        self._started: dict[int, float] = {}
        self._done = 0
        self._total = 0
        self._start = clock()

    def lines(self, record: SnakemakeRecord) -> Iterator[str]:
        """Yield the lines of an event; none where it says nothing new."""
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                yield from self._run(record)
            case LogEvent.JOB_INFO:
                yield from self._job(record)
            case LogEvent.JOB_FINISHED:
                yield from self._finished(record)
            case LogEvent.JOB_ERROR:
                yield from self._failed(record)
            case LogEvent.GROUP_ERROR:  # an error of each of its jobs follows
                yield from self._logs(record.aux_logs)
            case LogEvent.PROGRESS:
                self._done, self._total = record.done, record.total
            case LogEvent.DEBUG_DAG | LogEvent.SHELLCMD | LogEvent.ERROR | None:
                yield from _message(record)

    def _run(self, record: SnakemakeRecord) -> Iterator[str]:
        if self._total:  # a dry run says the counts again at its end
            return
        counts: Counter[str] = Counter()
        for rule, count in record.stats.items():
            if rule != "total":
                counts[stage_of(rule)] += count
        self._total = record.stats.get("total", sum(counts.values()))
        listed = ", ".join(f"{stage} {count}" for stage, count in counts.items())
        yield f"{self._total} {'job' if self._total == 1 else 'jobs'}: {listed}"

    def _job(self, record: SnakemakeRecord) -> Iterator[str]:
        if _is_target(record):
            return
        title = job_title(record.rule_name, record.wildcards)
        self._titles[record.jobid] = title
        self._started[record.jobid] = self._clock()
        if self._dry_run:
            yield f"{title}  ({_reason(record.reason)})"
        else:
            yield f"start  {title}"

    def _finished(self, record: SnakemakeRecord) -> Iterator[str]:
        self._done += 1
        if (title := self._titles.get(record.job_id)) is None:
            return
        now = self._clock()
        took = _duration(now - self._started.get(record.job_id, now))
        yield f"done   {title}, {took}  [{self._standing(now)}]"

    def _standing(self, now: float) -> str:
        if not self._total:
            return f"{self._done} done"
        left = (now - self._start) / self._done * (self._total - self._done)
        share = f"{self._done} of {self._total}, {self._done / self._total:.0%}"
        return f"{share}, about {_duration(left)} left" if left > 0 else share

    def _failed(self, record: SnakemakeRecord) -> Iterator[str]:
        yield f"FAILED {self._titles.get(record.jobid, stage_of(record.rule_name))}"
        if message := getattr(record, "rule_msg", None):  # of an executor, such as Slurm's
            yield f"       {message}"
        yield from self._logs(record.log)

    def _logs(self, files: Iterable[str]) -> Iterator[str]:
        for path in map(Path, files):
            yield f"       log: {path}"
            if self._show_failed_logs and path.exists():
                tail = path.read_text(encoding="utf-8", errors="replace").splitlines()
                yield from (f"       | {line}" for line in tail[-_TAIL_LINES:])


def stage_of(rule: str) -> str:
    """The stage of a rule: rules of shards are all `features` or `train`."""
    return next((stage for stage in _SHARDED if rule.startswith(f"{stage}_")), rule)


def job_title(rule: str, wildcards: Mapping[str, str]) -> str:
    """A job in words: its stage, then what it works on, as in "train demo, abmil, fold 0-4"."""
    stage = stage_of(rule)
    words = [f"fold {value}" if key == "fold" else value for key, value in wildcards.items()]
    if stage != rule:
        shard = rule.removeprefix(f"{stage}_")
        if words:
            words.append(f"fold {shard}")
        else:
            slides, shard = shard.rsplit("_", 1)
            words = [slides, f"shard {shard}"]
    return f"{stage} {', '.join(words)}" if words else stage


def _duration(seconds: float) -> str:
    """Return h:mm:ss."""
    return str(timedelta(seconds=round(seconds)))


def _is_target(record: SnakemakeRecord) -> bool:
    return not record.output and not record.log


def _reason(reason: str) -> str:
    """The first words of Snakemake's reason; the files it lists are in its log."""
    return reason.split(":", 1)[0].strip().lower() or "asked for"


def _message(record: LogRecord) -> Iterator[str]:
    text = record.getMessage().rstrip() if record.msg else ""
    if text and not text.startswith(_SKIPPED):
        yield text
