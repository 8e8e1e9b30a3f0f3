"""The studies in config/paper_tables can be laid over any config."""

from __future__ import annotations

import pytest
import yaml

from slidesieve.config.checks import check_config
from slidesieve.config.layers import lay_over, layered, read_layers
from slidesieve.config.model_checks import model_problems

NAMES = (
    *("retention", "merge_prune", "schedules", "sparsity"),
    *("backbones", "sparselearn", "equal_k", "table1", "in_front"),
)


def laid_over(repo, *files: str) -> dict:
    return layered(
        read_layers([repo / "config.yaml"]), read_layers([repo / file for file in files])
    )


def study_file(name: str) -> str:
    return f"config/paper_tables/{name}.yaml"


def test_the_list_of_this_test_is_whole(repo):
    assert {path.stem for path in (repo / "config/paper_tables").iterdir()} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_study_is_sound_and_its_models_can_be_built(repo, monkeypatch, name):
    monkeypatch.chdir(repo)
    config = laid_over(repo, study_file(name))
    assert check_config(config).problems == ()
    rows = config["paper_tables"][name]["rows"]
    assert model_problems({model: config["models"][model] for model in rows}) == []


@pytest.mark.parametrize("ready", ["tcga_nsclc", "tcga_brca", "tcga_rcc", "panda"])
def test_studies_can_be_laid_over_the_ready_configs(repo, ready):
    config = laid_over(repo, f"config/{ready}.yaml", *map(study_file, NAMES))
    for name in NAMES:
        for model in config["paper_tables"][name]["rows"]:
            assert "aggregator" in config["models"][model], (name, model)
    assert model_problems(config["models"]) == []


def test_no_study_changes_a_model_of_the_config_or_of_another_study(repo):
    seen = laid_over(repo)["models"]
    for name in NAMES:
        for model, spec in laid_over(repo, study_file(name))["models"].items():
            assert seen.setdefault(model, spec) == spec, (name, model)


def test_all_studies_can_be_made_at_once(repo, monkeypatch):
    monkeypatch.chdir(repo)
    config = laid_over(repo, *map(study_file, NAMES))
    assert check_config(config).problems == ()
    assert set(config["paper_tables"]) == set(NAMES)


def test_rows_of_a_study_follow_the_users_own_models(repo):
    own = {"models": {"dtc_abmil": {"like": "dtc_abmil", "reducer": {"stages": 2}}}}
    lay_over(own, yaml.safe_load((repo / study_file("retention")).read_text()))
    config = layered(yaml.safe_load((repo / "config.yaml").read_text()), own)
    assert config["models"]["dtc_r0.7"]["reducer"]["stages"] == 2
    assert config["models"]["dtc_r0.7"]["reducer"]["retention"] == 0.7


def paper_column(repo, name: str, column: str) -> dict[str, float]:
    rows = yaml.safe_load((repo / study_file(name)).read_text())["paper_tables"][name]["rows"]
    found = {model: row.get("paper", {}).get(column) for model, row in rows.items()}
    return {model: value for model, value in found.items() if value is not None}


def test_numbers_of_the_paper_that_stand_in_two_tables_agree(repo):
    column = "nsclc_balanced_accuracy"
    best = {
        paper_column(repo, "retention", column)["dtc_r0.4"],
        paper_column(repo, "retention", "acc_of_table_2")["dtc_r0.4"],
        paper_column(repo, "merge_prune", column)["dtc_r0.4"],
        paper_column(repo, "schedules", column)["dtc_s74_74_74"],
        paper_column(repo, "sparsity", column)["dtc_threshold_entropy"],
        paper_column(repo, "backbones", f"conch_{column}")["dtc_r0.4"],
    }
    assert best == {0.983}
