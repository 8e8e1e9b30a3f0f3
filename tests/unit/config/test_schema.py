"""The schema for editors and the reference of keys are generated from the owners of the keys."""

from __future__ import annotations

import pytest
import yaml

from slidesieve.config.reference import REFERENCE, reference_page
from slidesieve.config.schema import SCHEMA_FILE, written_schema
from slidesieve.config.study_settings import StudySettings
from slidesieve.parsing.settings import json_schema, parse_settings, plain

STALE = "stale: run `python -m slidesieve.config.schema`"


def shipped_yaml(repo):
    return [repo / "config.yaml", *sorted((repo / "config").rglob("*.yaml"))]


def test_the_schema_is_that_of_the_settings():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == written_schema(), STALE


def test_the_reference_is_that_of_the_settings(repo):
    assert (repo / REFERENCE).read_text(encoding="utf-8") == reference_page(), STALE


def test_every_shipped_config_names_the_schema(repo):
    for path in shipped_yaml(repo):
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema="), path
        assert (path.parent / first.partition("=")[2]).resolve() == SCHEMA_FILE, path


def described(schema, where=""):
    for key, entry in schema.get("properties", {}).items():
        if not entry.get("description"):
            yield f"{where}{key}"


@pytest.mark.parametrize("name", ["", *json_schema(StudySettings)["$defs"]])
def test_every_key_has_a_description(name):
    root = json_schema(StudySettings)
    schema = root["$defs"][name] if name else root
    assert name == "Part" or not list(described(schema, f"{name}."))


def test_the_comments_of_the_shipped_config_show_the_defaults(repo):
    """config.yaml is the example of every key: what it writes is what is taken without it."""
    written = yaml.safe_load((repo / "config.yaml").read_text())
    demo = written["datasets"]["demo"]
    bare = {
        "datasets": {"demo": {"classes": demo["classes"]}},
        "encoders": written["encoders"],
        "models": written["models"],
    }
    defaults = plain(parse_settings(StudySettings, bare))
    assert plain(parse_settings(StudySettings, written))["training"] == defaults["training"]
    chosen = {"slides", "truth", "classes"}
    for key, value in demo.items():
        if key not in chosen | {"tissue", "folds"}:
            assert value == defaults["datasets"]["demo"][key], key
    assert demo["folds"] == defaults["datasets"]["demo"]["folds"]
