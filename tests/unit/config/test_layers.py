"""Files laid over one another mean one config."""

from __future__ import annotations

import copy

import pytest

from slidesieve.config.layers import settle_layers

ABMIL = {"aggregator": {"name": "abmil", "hidden_dim": 128}}
DTC = {"reducer": {"name": "dtc", "retention": 0.4, "stages": 2}, **ABMIL}


def settled(**models: object) -> dict:
    config = {"models": {"abmil": ABMIL, "dtc": DTC, **models}}
    settle_layers(config)
    return config["models"]


@pytest.mark.parametrize(
    ("spec", "meant"),
    [
        ({"like": "abmil"}, ABMIL),
        (
            {"like": "dtc", "reducer": {"retention": 0.7}},
            {"reducer": {"name": "dtc", "retention": 0.7, "stages": 2}, **ABMIL},
        ),
        (
            {"like": "dtc", "reducer": {"name": "random", "k": 8}},
            {"reducer": {"name": "random", "k": 8}, **ABMIL},
        ),
        ({"like": "dtc", "reducer": "none"}, {"reducer": "none", **ABMIL}),
        ({"like": "dtc", "aggregator": "mean"}, {**DTC, "aggregator": "mean"}),
        ({"like": "abmil", "standardise": False}, {**ABMIL, "standardise": False}),
        (
            {"like": "abmil", "reducer": {"name": "tome", "k": 8}},
            {"reducer": {"name": "tome", "k": 8}, **ABMIL},
        ),
    ],
)
def test_a_model_like_another_is_that_model_but_for_what_it_says(spec, meant):
    models = settled(new=spec)
    assert models["new"] == meant
    assert (models["abmil"], models["dtc"]) == (ABMIL, DTC)


def test_a_part_given_by_name_alone_can_be_changed_too():
    models = settled(plain={"aggregator": "abmil"}, wide={"like": "plain", "aggregator": {"a": 1}})
    assert models["wide"] == {"aggregator": {"name": "abmil", "a": 1}}


@pytest.mark.parametrize("base", ["abmill", "gone", "again", 3])
def test_a_like_that_leads_nowhere_is_left_for_the_checks(base):
    spec = {"like": base}
    models = settled(gone=None, again={"like": "abmil"}, new=copy.deepcopy(spec))
    assert models["new"] == spec


def test_null_takes_back_datasets_models_and_studies():
    config = {
        "datasets": {"demo": None, "mine": {}},
        "models": {"abmil": ABMIL, "mean": None},
        "paper_tables": {"retention": None, "schedules": {"title": "t"}},
    }
    settle_layers(config)
    assert list(config["datasets"]) == ["mine"]
    assert list(config["models"]) == ["abmil"]
    assert list(config["paper_tables"]) == ["schedules"]


def test_the_only_study_can_be_taken_back():
    config = {"paper_tables": {"retention": None}}
    settle_layers(config)
    assert config == {"paper_tables": {}}


@pytest.mark.parametrize("config", [{}, {"models": None}, {"models": [1]}, {"models": {"a": 3}}])
def test_broken_shapes_are_left_for_the_checks(config):
    before = copy.deepcopy(config)
    settle_layers(config)
    assert config == before
