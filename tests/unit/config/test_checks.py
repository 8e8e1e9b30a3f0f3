"""Every mistake of a config is reported at once, before any job."""

from __future__ import annotations

import copy
import re
from typing import get_args

import pytest
import yaml

from slidesieve.config.checks import check_config
from slidesieve.config.paper_table import Measure
from slidesieve.config.rule_names import reserved_names
from slidesieve.config.study import encoder_specs
from slidesieve.evaluation.metrics import METRICS
from slidesieve.paper_tables.table import COSTS, TOKENS_KEPT


@pytest.fixture
def config(tmp_path):
    sheet = tmp_path / "slides.csv"
    rows = [f"s{i},P{i},{'ab'[i % 2]},s{i}.svs" for i in range(12)]
    sheet.write_text("\n".join(["slide_id,patient_id,label,path", *rows]) + "\n")
    return {
        "datasets": {"mine": {"slides": str(sheet), "classes": ["a", "b"]}},
        "encoders": ["colour_texture"],
        "models": {"abmil": {"aggregator": "abmil"}},
    }


def problems_of(config):
    return check_config(config).problems


def test_a_sound_config_has_no_problems(config):
    checked = check_config(config)
    assert checked.problems == ()
    assert len(checked.sheets["mine"].slides) == 12


def test_the_demo_config_is_sound(repo, monkeypatch):
    monkeypatch.chdir(repo)
    assert problems_of(yaml.safe_load((repo / "config.yaml").read_text())) == ()


def test_mistakes_of_all_kinds_come_together(config):
    mine = config["datasets"]["mine"]
    mine |= {"tile_pixels": 256, "target_mpp": "half", "on_slide_error": "ignore"}
    mine["tissue"] = {"closing": 3, "median_um": -1}
    mine["folds"] = {"k": 9}
    config["datasets"]["audit"] = {"classes": ["a", "b"]}
    config["encoders"] = ["colour_textur", "timm:resnet18", {"name": "timm:resnet18"}]
    config["training"] = {"epoch": 5}
    config["evaluation"] = {"compare_to": "abmill"}
    config["report"] = {"heatmap_model": "dtc"}
    problems = problems_of(config)
    for words in (
        "datasets.mine: unknown key 'tile_pixels'; did you mean 'tile_px'?",
        "datasets.mine.target_mpp: 'half' must be a number from 0.05 to 20",
        "datasets.mine.on_slide_error: 'ignore' is not allowed; allowed: quarantine, fail",
        "datasets.mine.tissue: unknown key 'closing'; did you mean 'closing_um'?",
        "datasets.mine.tissue.median_um: -1 must be a number from 0 to 1000",
        "class 'a' has 6 patients, fewer than folds.k = 9",
        "datasets.audit: needs either `slides`",
        "datasets.audit: this is the name of a rule",
        "colour_textur",
        "2 entries have the id 'timm_resnet18'",
        "training: unknown key 'epoch'; did you mean 'epochs'?",
        "evaluation.compare_to: no model 'abmill'; did you mean 'abmil'?",
        "report.heatmap_model: no model 'dtc'",
    ):
        assert any(words in problem for problem in problems), (words, problems)


def test_a_slides_own_tissue_parameters_are_checked_too(config, tmp_path):
    sheet = tmp_path / "slides.csv"
    lines = sheet.read_text().splitlines()
    lines = [lines[0] + ",tissue.closing_um"] + [line + "," for line in lines[1:]]
    lines[3] += "wide"
    sheet.write_text("\n".join(lines))
    (problem,) = problems_of(config)
    assert "slide s2" in problem
    assert "closing_um" in problem


@pytest.mark.parametrize("value", [None, [], 3, {"demo": None}, {"demo": {"classes": 3}}])
def test_broken_shapes_are_reported_not_raised(config, value):
    assert problems_of(config | {"datasets": value})
    assert problems_of(config | {"models": value})
    assert problems_of(config | {"encoders": value})
    assert problems_of(config | {"evaluation": value or 1})


def test_ready_made_features_need_labels_and_a_folder(config, tmp_path):
    config["datasets"]["mine"] = {"features": str(tmp_path / "none"), "classes": ["a", "b"]}
    problems = problems_of(config)
    assert any("labels is missing" in problem for problem in problems)
    assert any("is not a folder" in problem for problem in problems)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({}, None),
        ({"k": 3}, "folds.k is 3, but "),
        ({"repeats": 2}, "folds.repeats: goes with drawn folds"),
    ],
)
def test_a_file_of_folds_decides_their_number(config, tmp_path, keys, words):
    file = tmp_path / "folds.csv"
    rows = [f"s{i},P{i},{'ab'[i % 2]},{'train' if i > 3 else 'test'}" for i in range(12)]
    file.write_text("\n".join(["slide_id,patient_id,label,fold_0", *rows]) + "\n")
    config["datasets"]["mine"]["folds"] = {"file": str(file), **keys}
    problems = problems_of(config)
    assert len(problems) == (words is not None)
    assert all(words in problem for problem in problems)


def test_a_missing_file_of_folds_is_told(config):
    config["datasets"]["mine"]["folds"] = {"file": "none.csv"}
    (problem,) = problems_of(config)
    assert problem.startswith("datasets.mine.folds.file: none.csv: cannot be read")


def test_the_old_name_of_paper_tables_says_the_new_one(config):
    (problem,) = problems_of(config | {"studies": {}})
    assert problem == "studies: it is called `paper_tables` now"


def test_a_wrong_label_is_told_once_and_brings_no_other_mistake(config, tmp_path):
    sheet = tmp_path / "slides.csv"
    sheet.write_text(sheet.read_text().replace("s2,P2,a", "s2,P2,A"))
    config["datasets"]["mine"]["folds"] = {"k": 6}
    (problem,) = problems_of(config)
    assert "row 4: label 'A' is not among the classes; did you mean 'a'?" in problem


def test_measures_are_those_of_evaluation_and_paper_tables():
    assert set(get_args(Measure)) == {*METRICS, TOKENS_KEPT, *COSTS}


def test_checking_leaves_the_config_as_it_was(config):
    before = copy.deepcopy(config)
    check_config(config)
    assert config == before


def test_encoder_ids_are_fit_for_paths():
    specs = encoder_specs(["timm:vit/x", {"name": "conch_v1", "id": "c"}])
    assert list(specs) == ["timm_vit_x", "c"]
    assert specs["c"] == {"name": "conch_v1"}


def test_no_dataset_can_take_the_name_of_a_rule(repo):
    """Snakemake would stop with a message that tells nobody what to do."""
    files = [repo / "Snakefile", *(repo / "workflow/rules").glob("*.smk")]
    named = re.findall(r"^ *rule (\w+):", "\n".join(f.read_text() for f in files), re.MULTILINE)
    assert set(named) <= reserved_names()
