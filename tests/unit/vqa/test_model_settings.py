"""Mistakes in languages, models and stages of the `vqa` section."""

from __future__ import annotations

import pytest

from slidesieve.config.model_checks import vqa_model_problems
from slidesieve.parsing.settings import parse_settings, settings_problems
from slidesieve.vqa.settings import VqaSettings

STAGE = {"train": ["connector", "language"], "steps": 10}


def section(**changes):
    whole = {
        "questions": [{"source": "slidebench", "path": "bench.csv", "part": "test"}],
        "languages": {"tiny": {"build": {}}},
        "models": {"sieve": {"language": "tiny", "reducer": {"name": "sparselearn", "k": 32}}},
        "stages": [STAGE],
    }
    return whole | changes


def test_a_reducer_keeps_its_parameters():
    settings = parse_settings(VqaSettings, section())
    assert settings.models["sieve"].reducer == {"name": "sparselearn", "k": 32}
    assert (settings.positions, settings.answer.say, settings.score.method) == (
        "compact",
        "letter",
        "letter",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": {"m": {"language": "tny"}}}, "no language 'tny'; did you mean 'tiny'"),
        ({"models": {"m": {"language": "tiny", "adapt": "frozen"}}}, "frozen, but a stage trains"),
        ({"stages": []}, "models need at least one stage"),
        ({"stages": [STAGE | {"epochs": 1}]}, "give either epochs or steps"),
        ({"languages": {"tiny": {"build": {}, "name": "a"}}}, "give either name or build"),
        ({"languages": {"tiny": {"name": "a", "dtype": "half"}}}, "'half' is not allowed"),
    ],
)
def test_a_mistake_is_named(changes, said):
    assert any(said in problem for problem in settings_problems(VqaSettings, section(**changes)))


def test_mistakes_in_reducers_are_found_before_the_first_job():
    models = {"a": {"reducer": {"name": "sparselearn", "kk": 3}}, "b": {"reducer": "none"}}
    [problem] = vqa_model_problems({"models": models})
    assert problem.startswith("vqa.models.a: reducer sparselearn: unknown key 'kk'")
