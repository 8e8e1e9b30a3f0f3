"""Own folds and classes are checked with the sheet, all mistakes at once."""

from __future__ import annotations

import pytest

from slidesieve.config.load import load_study
from slidesieve.errors import ConfigError

MODELS = {"mean": {"aggregator": "mean"}}


def study(folder, classes, labels, folds_text=None):
    rows = [f"s{i},P{i // 2},{label},s{i}.svs" for i, label in enumerate(labels)]
    (folder / "slides.csv").write_text("slide_id,patient_id,label,path\n" + "\n".join(rows) + "\n")
    dataset = {"slides": str(folder / "slides.csv"), "classes": classes, "folds": {"k": 2}}
    if folds_text is not None:
        (folder / "folds.csv").write_text(folds_text)
        dataset["folds"] = {"file": str(folder / "folds.csv")}
    return load_study({"datasets": {"mine": dataset}, "models": MODELS})


def problems(*args):
    with pytest.raises(ConfigError) as error:
        study(*args)
    return error.value.problems


def test_whole_numbers_are_classes_as_text(tmp_path):
    found = study(tmp_path, [0, 1], "00110011")
    assert found.datasets["mine"].classes == ("0", "1")
    assert {slide.label for slide in found.datasets["mine"].slides} == {"0", "1"}


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([True, "b"], "true is what YAML makes of yes, on or true; put quotes"),
        (["a", "b", False], "false is what YAML makes of no, off or false; put quotes"),
        ([None, "a", "b"], "null is what YAML makes of null, ~ or nothing; put quotes"),
        ([1.5, 2], "1.5 is a float to YAML, not text; put quotes"),
        ([1, "1", "a", "b"], "1 stands there more than once"),
    ],
)
def test_what_yaml_made_of_classes_is_told_with_key_and_remedy(tmp_path, classes, words):
    found = problems(tmp_path, classes, "aabb")
    assert found[0].startswith("datasets.mine.classes")
    assert words in found[0]


def test_all_mistakes_of_own_folds_are_told_before_the_first_job(tmp_path):
    text = "slide_id,fold_0,fold_1\ns0,train,test\ns1,test,tset\ns2,train,train\nx,test,test\n"
    found = "\n".join(problems(tmp_path, ["a", "b"], "aabb", text))
    for words in (
        "folds.file: folds: slide s3 of the cohort is missing",
        "folds.file: folds: slide x is not in the cohort",
        "folds.file: fold_0: patient P0 is in test (s1) and train (s0)",
        "folds.file: fold_1: slide s1 is 'tset'; allowed: train, val, test, unused",
        "folds.file: fold_1: no slide of class a is in train",
    ):
        assert words in found, found


def test_a_slide_that_a_fold_does_not_use_is_told_and_leaks_nothing(tmp_path):
    text = "slide_id,fold_0\ns0,train\ns1,unused\ns2,train\ns3,\ns4,test\ns5,test\n"
    found = study(tmp_path, ["a", "b"], "aabbab", text).datasets["mine"]
    assert found.fold_count == 1
    assert found.tested == {"s4", "s5"}
    assert "fold_0 of the own folds does not use 2 slide(s): s1, s3" in " ".join(found.warnings)


@pytest.mark.parametrize("name", ["four", "case", "fewer", "splits_0"])
def test_the_shared_folds_decide_the_number_of_folds(shared_data, name):
    folder = shared_data / "field_cases/folds"
    labels = [line.split(",") for line in (folder / "labels.csv").read_text().split()[1:]]
    dataset = {
        "slides": str(folder / "labels.csv"),
        "classes": ["A", "B"],
        "folds": {"file": str(folder / f"{name}.csv")},
    }
    dataset |= {"features": str(folder), "labels": dataset.pop("slides")}
    found = load_study({"datasets": {"mine": dataset}, "models": MODELS}).datasets["mine"]
    assert found.fold_count == {"four": 4, "case": 2, "fewer": 1, "splits_0": 1}[name]
    assert len(found.slides) == len(labels)
