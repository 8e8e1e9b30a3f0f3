"""Whole runs in this one process: seconds instead of a minute, with the same plan and scripts.

Snakemake plans as ever, and asks for one job at a time; a job's script is run here and not in a
Python of its own. Seen to work with Snakemake 9.27.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from snakemake.cli import args_to_api, parse_args
from snakemake.script import PythonScript

_SHARD = re.compile(r"^(features|train)_.+")
REPO = Path(__file__).resolve().parents[2]


@dataclass
class Run:
    """How a run ended.

    Attributes:
        succeeded: Whether all jobs did.
        jobs: (rule, wildcards) of the jobs that ran, in their order.
        text: What Snakemake said.
    """

    succeeded: bool = False
    jobs: list[tuple[str, str]] = field(default_factory=list)
    text: str = ""

    @property
    def rules(self) -> set[str]:
        """Rules that ran; those of shards are called "features" and "train"."""
        return {_SHARD.sub(r"\1", rule) for rule, _ in self.jobs}


def run_here(folder: Path, *arguments: str) -> Run:
    """Run the workflow in a study's folder."""
    run, said = Run(), io.StringIO()

    def execute(script: PythonScript, path: str, edit: bool = False) -> None:
        run.jobs.append((script.rulename, ",".join(map(str, script.wildcards))))
        source = compile(Path(path).read_text(), path, "exec")
        before = list(sys.path)  # Snakemake's preamble adds all of it once more
        try:
            exec(source, {"__name__": "__main__", "__file__": path})
        finally:
            sys.path[:] = before

    command = [
        # Options that take several words would take these.
        *arguments,
        *("--snakefile", str(REPO / "Snakefile"), "--directory", str(folder), "--cores", "1"),
        *("--workflow-profile", "none", "--rerun-incomplete", "--keep-going", "--nocolor"),
        *("--resources", "gpu=1"),
    ]
    with (
        _as_before(),
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(said),
        mock.patch.object(PythonScript, "execute_script", execute),
        # What a process of its own took.
        mock.patch("snakemake.benchmark.write_benchmark_records", _no_measurement),
        contextlib.suppress(SystemExit),
    ):
        parser, args = parse_args(command)
        run.succeeded = bool(args_to_api(args, parser))
    run.text = said.getvalue()
    return run


@contextlib.contextmanager
def _as_before() -> Iterator[None]:
    """Undo what Snakemake and the scripts do to a process that is theirs."""
    folder, hook, path = Path.cwd(), sys.excepthook, list(sys.path)
    environment = dict(os.environ)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    os.environ["TQDM_DISABLE"] = "1"
    try:
        yield
    finally:
        os.chdir(folder)
        sys.excepthook, sys.path[:] = hook, path
        os.environ.clear()
        os.environ.update(environment)
        logging.captureWarnings(False)
        for handler in [h for h in root.handlers if h not in handlers]:
            root.removeHandler(handler)
            handler.close()
        root.handlers[:], root.level = handlers, level


def _no_measurement(records: object, path: str, extended: bool) -> None:
    Path(path).write_text("not measured\n")
