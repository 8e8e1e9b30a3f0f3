"""The keys of the `vqa` section, and the mistakes in them."""

from __future__ import annotations

import pytest
import yaml

from slidesieve.config.model_checks import vqa_model_problems
from slidesieve.config.vqa_checks import vqa_problems
from slidesieve.parsing.settings import parse_settings, settings_problems
from slidesieve.vqa.settings import VqaSettings


def source(**changes):
    return {"source": "slidebench", "path": "bench.csv", "part": "test"} | changes


def test_what_is_not_written_has_a_default():
    settings = parse_settings(VqaSettings, {"questions": [source()]})
    assert (settings.leakage, settings.slides_per_case) == ("drop", "first")
    assert settings.questions[0].label == "slidebench"


def test_a_name_sets_files_of_one_format_apart():
    files = [source(), source(name="plus")]
    assert [s.label for s in parse_settings(VqaSettings, {"questions": files}).questions] == [
        "slidebench",
        "plus",
    ]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"questions": [source(part=None)]}, "vqa.questions.0: part is missing"),
        ({"questions": [source(source="table")]}, "vqa.questions.0: part: the column `split`"),
        ({"questions": [source(source="wsi")]}, "vqa.questions.0.source: 'wsi' is not allowed"),
        ({"questions": [source(), source()]}, "vqa.questions: 2 files are called 'slidebench'"),
        ({"questions": [source(name="a:b")]}, "vqa.questions.0.name: 'a:b' must be a name"),
        ({"questions": []}, "vqa.questions: needs at least 1"),
        ({"questions": [source()], "leakage": "keep"}, "vqa.leakage: 'keep' is not allowed"),
        (
            {"questions": [source()], "leakag": 1},
            "vqa: unknown key 'leakag'; did you mean 'leakage'",
        ),
    ],
)
def test_each_mistake_is_told_by_its_key(section, said):
    (problem,) = settings_problems(VqaSettings, section, "vqa")
    assert problem.startswith(said)


def test_files_that_are_not_there_are_told_all_at_once(tmp_path):
    there = tmp_path / "there.csv"
    there.touch()
    files = [source(path=path) for path in ("one.csv", str(there), "results/demo/x.csv", "two.csv")]
    assert list(vqa_problems({"vqa": {"questions": files}})) == [
        "vqa.questions.0.path: 'one.csv' is not a file",
        "vqa.questions.3.path: 'two.csv' is not a file",
    ]
    assert list(vqa_problems({})) == []


def test_the_model_to_compare_with_must_be_one_of_them():
    section = {"questions": [], "models": {"sieve": {}, "full": {}}, "compare_to": "sieves"}
    (problem,) = vqa_problems({"vqa": section})
    assert problem.startswith("vqa.compare_to: no model 'sieves'; did you mean 'sieve'?")


def test_the_shipped_slidebench_study_is_sound(repo):
    section = yaml.safe_load((repo / "config" / "slidebench.yaml").read_text())["vqa"]
    settings = parse_settings(VqaSettings, section, "vqa")
    assert vqa_model_problems(section) == []
    assert settings.models["full_sequence"].reducer == "none"
    assert {model.language for model in settings.models.values()} == set(settings.languages)
