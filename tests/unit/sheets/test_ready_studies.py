"""config/*.yaml: each fits the sheet its command makes, and is the paper's study."""

from __future__ import annotations

import pytest

from helpers.archive_tables import CLINICAL_HEADER, PANDA_HEADER, cases, write_lines, write_sheet
from slidesieve.cli.main import main
from slidesieve.config.checks import check_config
from slidesieve.config.layers import layered, read_layers
from slidesieve.config.model_checks import model_problems

RCC = {"TCGA-KICH": 6, "TCGA-KIRC": 7, "TCGA-KIRP": 5}
MODELS = {"abmil", "transmil", "random_abmil", "dtc_abmil", "dtc_transmil"}


def nsclc(folder) -> list[str]:
    table = write_sheet(folder / "s.tsv", {"TCGA-LUAD": 6, "TCGA-LUSC": 6})
    return ["gdc", str(table), "--output", "data/tcga_nsclc.csv"]


def rcc(folder) -> list[str]:
    return ["gdc", str(write_sheet(folder / "s.tsv", RCC)), "--output", "data/tcga_rcc.csv"]


def brca(folder) -> list[str]:
    table = write_sheet(folder / "s.tsv", {"TCGA-BRCA": 12})
    kinds = ["Infiltrating duct carcinoma, NOS", "Lobular carcinoma, NOS"]
    lines = [
        f"c\t{case}\tTCGA-BRCA\t50\t{kinds[number % 2]}"
        for number, case in enumerate(cases("TCGA-BRCA", 12))
    ]
    clinical = write_lines(folder / "clinical.tsv", [CLINICAL_HEADER, *lines])
    output = ["--output", "data/tcga_brca.csv"]
    return ["gdc", str(table), "--clinical", str(clinical), *output]


def panda(folder) -> list[str]:
    lines = [f"{number:032x},radboud,{number % 6},3+3" for number in range(60)]
    table = write_lines(folder / "train.csv", [PANDA_HEADER, *lines])
    return ["panda", str(table), "--output", "data/panda.csv"]


@pytest.mark.parametrize(
    ("study", "arguments", "classes"),
    [
        ("tcga_nsclc", nsclc, ["LUAD", "LUSC"]),
        ("tcga_brca", brca, ["IDC", "ILC"]),
        ("tcga_rcc", rcc, ["KICH", "KIRC", "KIRP"]),
        ("panda", panda, ["benign", "cancer"]),
    ],
)
def test_a_ready_study_is_sound_and_the_papers(
    repo, tmp_path, monkeypatch, study, arguments, classes
):
    monkeypatch.chdir(tmp_path)
    assert main(["sheet", *arguments(tmp_path)]) == 0
    config = layered(
        read_layers([repo / "config.yaml"]), read_layers([repo / f"config/{study}.yaml"])
    )
    checked = check_config(config)
    assert not checked.problems
    assert not model_problems(config["models"])
    assert set(checked.sheets) == set(config["datasets"]) == {study}
    settings = config["datasets"][study]
    assert settings["classes"] == classes
    assert {slide.label for slide in checked.sheets[study].slides} == set(classes)
    assert settings["folds"]["k"] == 5
    assert (settings["target_mpp"], settings["tile_px"]) == (0.5, 256)
    assert config["encoders"] == ["conch_v1"]
    assert set(config["models"]) == MODELS
    for name in MODELS - {"abmil", "transmil"}:
        assert config["models"][name]["reducer"]["retention"] == 0.4
