"""A script can be stepped through without a run of Snakemake."""

from __future__ import annotations

import importlib.util
import os

import pytest

from helpers.runner import Study
from helpers.toy_cohort import make_toy
from slidesieve.tissue.geojson import read_tissue


@pytest.fixture
def mock_snakemake(repo, monkeypatch):
    """The function, in a process whose folder and environment are put back afterwards."""
    monkeypatch.chdir(os.curdir)
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    place = repo / "workflow/mock_snakemake.py"
    spec = importlib.util.spec_from_file_location("mock_snakemake", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.mock_snakemake


@pytest.fixture
def fresh(tmp_path) -> Study:
    """A toy study of which nothing has run."""
    study = Study(tmp_path)
    make_toy(study)
    return study


def test_a_script_runs_with_it(fresh, mock_snakemake):
    snakemake = mock_snakemake("tissue", root=fresh.folder, dataset="toy", slide="s1")
    for path in (*snakemake.output, *snakemake.log):
        (fresh.folder / path).parent.mkdir(parents=True, exist_ok=True)
    script = snakemake.script
    exec(compile(script.read_text(), script, "exec"), {"snakemake": snakemake})
    tissue = read_tissue(fresh.result("toy/tissue/s1.geojson"))
    assert tissue.slide_id == "s1"
    assert tissue.status == "ok"


def test_it_says_what_the_job_of_a_run_would_be_given(fresh, mock_snakemake):
    (fresh.folder / "config.yaml").rename(fresh.folder / "mine.yaml")
    wildcards = {"dataset": "toy", "encoder": "colour_texture", "model": "abmil"}
    job = mock_snakemake("train_0-1", ["mine.yaml"], fresh.folder, **wildcards)
    assert job.input.folds == "results/toy/folds.csv"
    assert job.output.model[1] == "results/toy/models/colour_texture/abmil/fold_1/model.json"
    assert job.params.training["epochs"] == 20
    assert job.params.classes == ("benign", "tumour")
    assert job.wildcards.model == "abmil"
    assert job.log[0] == "results/toy/logs/train/colour_texture/abmil/fold_0-1.log"
    assert job.resources.mem_mb == 8000
    assert job.threads == 1
    assert job.script.name == "train.py"


def test_every_rule_of_a_study_can_be_made(fresh, mock_snakemake):
    shard = mock_snakemake("features_toy_colour_texture_1", root=fresh.folder)
    assert len(shard.output.features) == len(shard.params.slides.paths) == 3
    assert mock_snakemake("toy", root=fresh.folder).script is None


def test_an_unknown_rule_and_wrong_wildcards_are_told(fresh, mock_snakemake):
    with pytest.raises(ValueError, match=r"no rule 'tisue'; rules are: .*tissue, tiles"):
        mock_snakemake("tisue", root=fresh.folder)
    with pytest.raises(ValueError, match=r"these wildcards: dataset, slide; given: \['slide'\]"):
        mock_snakemake("tissue", root=fresh.folder, slide="s1")
