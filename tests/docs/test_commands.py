"""Every command line of the documentation runs, on a small cohort, or says why it does not.

README's own-slides block runs line by line in an empty folder. All other commands run in a copy of
the study that it leaves. A change that makes a page untrue is red here.
"""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import torch

from helpers.doc_commands import SHELLS, blocks, commands, options_of, pages, words_of
from helpers.documented_study import fill_in, finished_study, run_line
from helpers.padded_batches import make_batch, pick

pytestmark = pytest.mark.slow

REPO = Path(__file__).resolve().parents[2]
# Only planned: Snakemake reads config, sheets and rules, and names the jobs.
DRY = {
    r"^slidesieve run .*paper_tables": "fits dozens of models; tests/workflow runs a small table",
    r"^slidesieve run my_features": "fits for minutes; tests/workflow/test_ready_features.py",
    r"--forcerun": "makes all features anew; tests/workflow/test_reruns.py",
}
# Not run: that program, files and options exist is all that is looked at.
PARSED = {
    r"^(git clone|cd|source) ": "sets up a checkout; needs a network",
    r"^make ": "sets up an environment, or runs for minutes",
    r"^python (benchmarks|experiments)/": "measures for minutes or hours",
    r"^(\w+=\S+ )?(\.venv/bin/)?python -m pytest": "the tests that run anyway",
    r"--profile (\./)?slurm": "needs a cluster; tests/slurm has one",
    r"^generate-slurm-partition-config": "asks a cluster for its partitions",
    r"^slidesieve ask": "needs a trained model; tests/unit/vqa/test_asking.py",
    r"^slidesieve demo-slides": "paints for a minute; tests/unit/synthetic",
    r"^slidesieve predict ": "encodes for a minute; tests/workflow/test_predict.py",
    r"^slidesieve (push|pull) ": "needs a hub; tests/workflow/test_bundles.py has one",
    r"^slidesieve view ": "serves until it is stopped; tests/workflow/test_view.py",
    r"^slidesieve run config/tcga": "needs TCGA's slides and gated weights",
    r"^slidesieve report .*paper_tables": "shows a table that was only planned",
}
OWN_SLIDES = next(
    tuple(commands(block))
    for block in blocks(REPO / "README.md", REPO)
    if "slidesieve init" in block.text
)


def reason(table: dict[str, str], command: str) -> str | None:
    return next((why for form, why in table.items() if re.search(form, command)), None)


def all_commands() -> dict[str, str]:
    """Each command line once, with the first place where it stands."""
    found: dict[str, str] = {}
    for page in pages(REPO):
        for block in blocks(page, REPO):
            if block.language in SHELLS:
                for command in commands(block):
                    found.setdefault(command, f"{block.page}:{block.line}")
    return found


COMMANDS = all_commands()
PYTHON = [
    block for page in pages(REPO) for block in blocks(page, REPO) if block.language == "python"
]
PARSED_ONLY = [command for command in COMMANDS if reason(PARSED, command)]
TO_RUN = [command for command in COMMANDS if command not in (*PARSED_ONLY, *OWN_SLIDES)]


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """The folder that README's own-slides block leaves, begun in an empty one."""
    fill = {"slidesieve init": lambda folder: fill_in(folder / "my_study_slides.csv")}
    return finished_study(tmp_path_factory, OWN_SLIDES, after=fill)


def test_own_slides_of_the_readme_give_tables_and_a_report(finished):
    assert [line.split()[1] for line in OWN_SLIDES] == ["init", "run", "report"]
    for name in ("cohort.csv", "summary.csv"):
        assert (finished / "results/my_study" / name).stat().st_size > 0
    assert "my_study" in (finished / "report.html").read_text(encoding="utf-8")
    assert not (finished / "results/demo").exists()


@pytest.mark.parametrize("command", TO_RUN)
def test_command_runs(command, finished, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(finished, folder, symlinks=True)
    if command.startswith("slidesieve run my_features"):
        made = "slidesieve init my_features --features /path/to/features --labels labels.csv"
        run_line(f"{made} --classes LUAD,LUSC", folder, finished.parent / "slides")
    if "my_bundle" in command and not command.startswith("slidesieve bundle"):
        made = "slidesieve bundle results/my_study my_bundle --model abmil"
        run_line(f"{made} --configfile my_study.yaml", folder, finished.parent / "slides")
    line = f"{command} -n" if reason(DRY, command) else command
    done = run_line(line, folder, finished.parent / "slides")
    assert done.returncode == 0, f"{COMMANDS[command]}\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("command", PARSED_ONLY)
def test_command_parses(command):
    program = Path(words_of(command)[0]).name
    checks = {"make": makes, "python": runs_python, "slidesieve": is_ours}
    checks.get(program, sets_up)(command)


@pytest.mark.parametrize("block", PYTHON, ids=lambda block: f"{block.page}:{block.line}")
def test_python_example_runs(block, finished):
    done = subprocess.run(
        [sys.executable, "-c", block.text],
        cwd=finished,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_example_reducer_keeps_the_contract(tmp_path, monkeypatch):
    (block,) = [block for block in PYTHON if "TokenReducer" in block.text]
    (tmp_path / "darkest.py").write_text(block.text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    darkest = importlib.import_module("darkest")
    settings = darkest.DarkestTokensSettings(k=3)
    reducer = darkest.DarkestTokens(dim=12, settings=settings)
    batch = make_batch([5, 9], n_padding=2)
    together, alone = reducer(batch), reducer(pick(batch, 0))
    assert together.tokens.lengths.tolist() == [3, 3]
    best = batch.features[0, :5, 0].topk(3).indices.sort().values
    assert (together.source[0] >= 0).nonzero()[:, 0].tolist() == best.tolist()
    assert torch.equal(together.tokens.features[0], alone.tokens.features[0])


def test_reasons_are_all_in_use():
    for form in DRY:
        assert any(re.search(form, command) for command in TO_RUN), form
    for form in PARSED:
        assert any(re.search(form, command) for command in COMMANDS), form


def makes(command: str) -> None:
    target = words_of(command)[1]
    makefile = (REPO / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"no target {target}"


def runs_python(command: str) -> None:
    words = words_of(command)
    if words[1:3] == ["-m", "pytest"]:
        absent = [word for word in words if word.startswith("tests") and not (REPO / word).exists()]
        assert absent == []
    else:
        knows(options_of(command), help_of(sys.executable, str(REPO / words[1])))


def is_ours(command: str) -> None:
    words = words_of(command)
    told = help_of(ours(), words[1])
    if words[1] == "run":  # what it does not know itself it passes on
        told += help_of(sys.executable, "-m", "snakemake")
    knows(options_of(command), told)
    named = [word for word in words[2:] if word.startswith("config/")]
    assert [name for name in named if not (REPO / name).exists()] == []


def sets_up(command: str) -> None:
    words = words_of(command)
    address = re.search(r"repository-code: (\S+)", (REPO / "CITATION.cff").read_text())[1]
    known = {
        "git": ["git", "clone", address],
        "cd": ["cd", address.rsplit("/", 1)[1]],
        "source": ["source", ".venv/bin/activate"],
        "generate-slurm-partition-config": ["generate-slurm-partition-config"],
    }
    assert words == known[words[0]]
    if words[0].startswith("generate"):
        assert (Path(sys.executable).parent / words[0]).exists()


def ours() -> str:
    return str(Path(sys.executable).parent / "slidesieve")


def knows(options: list[str], told: str) -> None:
    assert [option for option in options if not re.search(rf"{option}\b", told)] == []


@cache
def help_of(*program: str) -> str:
    done = subprocess.run(
        [*program, "--help"], cwd=REPO, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
