"""Real Snakemake runs in a folder of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import yaml

REPO = Path(__file__).resolve().parents[2]
# Leave one core where tests run in parallel; no job of ours needs more.
CORES = "2"


@dataclass(frozen=True)
class Outcome:
    """How a Snakemake call ended."""

    code: int
    text: str

    @property
    def jobs(self) -> Counter:
        """(rule, wildcards) of every job that ran, or would run in a dry run.

        The rules of shards of slides count as rule "features", with the shard for wildcards, those
        of shards of folds as rule "train", with their folds after the other wildcards.
        """
        found = Counter()
        # Jobs of a group are indented.
        for block in re.split(r"\n(?= *(?:local)?rule [\w.-]+:)", self.text):
            rule = re.match(r" *(?:local)?rule ([\w.-]+):", block)
            if rule and rule[1].startswith("features_"):
                found["features", rule[1].removeprefix("features_")] += 1
            elif rule:
                found_wildcards = re.search(r"^ +wildcards: (.+)$", block, re.MULTILINE)
                wildcards = found_wildcards[1] if found_wildcards else ""
                name, _, folds = rule[1].partition("train_")
                if not name and folds:
                    name, wildcards = "train", f"{wildcards}, folds={folds}"
                found[name or rule[1], wildcards] += 1
        return found

    @property
    def rules(self) -> Counter:
        """How many jobs of every rule, targets aside."""
        counts = Counter()
        for (rule, _), count in self.jobs.items():
            counts[rule] += count
        return counts


@dataclass(frozen=True)
class Study:
    """A folder with a config of its own, in which our Snakefile runs."""

    folder: Path

    def write_config(self, config: dict) -> None:
        """Write the config of this study."""
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    @property
    def config(self) -> dict:
        """The config of this study."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    def command(self, *arguments: str) -> list[str]:
        """The command line of a Snakemake call."""
        return [
            *(sys.executable, "-m", "snakemake", "--snakefile", str(REPO / "Snakefile")),
            # Snakemake's own words in place of the profile's, which these tests do not read.
            *("--workflow-profile", "none", "--rerun-incomplete", "--keep-going"),
            *("--show-failed-logs", "--resources", "gpu=1"),
            *("--directory", str(self.folder), "--cores", CORES, "--nocolor", *arguments),
        ]

    def snakemake(self, *arguments: str, check: bool = True) -> Outcome:
        """Run Snakemake; with `check`, a failure shows its output."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=os.environ | {"TQDM_DISABLE": "1"},
            check=False,
        )
        outcome = Outcome(done.returncode, done.stdout + done.stderr)
        if check and outcome.code:
            raise AssertionError(f"snakemake {' '.join(arguments)} failed:\n{outcome.text}")
        return outcome

    def result(self, path: str) -> Path:
        """A file below results/."""
        return self.folder / "results" / path

    def csvs(self) -> dict[str, bytes]:
        """Content of every CSV, but those that hold measured times."""
        results = self.folder / "results"
        return {
            str(path.relative_to(results)): path.read_bytes()
            for path in sorted(results.rglob("*.csv"))
            if path.name != "cost.csv"
        }


def make_demo(folder: Path) -> Study:
    """The demo of config.yaml, to be painted and run in a folder of its own."""
    folder.mkdir()
    shutil.copy(REPO / "config.yaml", folder)
    shutil.copytree(REPO / "config", folder / "config")
    return Study(folder)
