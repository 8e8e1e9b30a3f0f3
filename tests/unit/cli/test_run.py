"""`slidesieve run` and `report` hand a study to Snakemake; `audit` reads the same files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from slidesieve.cli.main import main
from slidesieve.cli.run import snakemake_command, split_arguments
from slidesieve.errors import ConfigError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("training: {epochs: 3}\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_come_first_and_the_rest_is_snakemakes(folder):
    arguments = ["mine.yaml", "config/paper_tables/retention.yaml", "demo", "-n", "--cores", "4"]
    files, passed_on = split_arguments(arguments)
    assert files == [Path("mine.yaml"), Path("config/paper_tables/retention.yaml")]
    assert passed_on == ["demo", "-n", "--cores", "4"]


def test_the_command_finds_shipped_files_and_profiles_from_any_folder(folder, repo):
    files = [Path("mine.yaml"), Path("config/paper_tables/retention.yaml")]
    command = snakemake_command(files, ["demo", "--profile", "slurm"])
    assert command[1:5] == ["-m", "snakemake", "--snakefile", str(repo / "Snakefile")]
    assert command[5:] == [
        *("demo", "--profile", str(repo / "slurm"), "--configfile", "mine.yaml"),
        str(repo / "config/paper_tables/retention.yaml"),
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.yaml", "-n"], "none.yaml: no such file; `slidesieve init` writes a study"),
        (["demo", "mine.yaml"], "files of a study come first: slidesieve run mine.yaml"),
    ],
)
def test_files_that_are_missing_or_late_are_named(folder, arguments, words):
    with pytest.raises(ConfigError, match=words):
        split_arguments(arguments)


def slidesieve(folder, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "slidesieve.cli.main", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_without_a_study_plans_the_demo_from_an_empty_folder(tmp_path):
    done = slidesieve(tmp_path, "run", "-n", "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo_slide" in done.stdout + done.stderr


def test_a_report_must_be_named(folder, capsys):
    assert main(["report", "mine.yaml"]) == 2
    assert "slidesieve report my_study.yaml report.html" in capsys.readouterr().err


def test_run_and_report_have_help(capsys):
    for command in ("run", "report"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        assert "STUDY.yaml" in capsys.readouterr().out


def test_a_dataset_behind_the_config_file_is_shown_the_order_that_works(folder, capsys):
    assert main(["audit", "--configfile", "mine.yaml", "demo"]) == 2
    said = capsys.readouterr().err
    assert "demo: no such config file; if it is a dataset, name it first" in said
    assert "slidesieve audit demo --configfile mine.yaml" in said


def test_audit_reads_the_shipped_config_below_the_users(folder, capsys):
    """A file without datasets means the demo, as for the workflow."""
    assert main(["audit", "--configfile", "mine.yaml"]) == 1
    assert "missing" in capsys.readouterr().err
    assert main(["audit", "dem", "--configfile", "mine.yaml"]) == 2
    assert "no dataset 'dem'; did you mean 'demo'?" in capsys.readouterr().err
