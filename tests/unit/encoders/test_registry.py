"""Entries of `encoders` in a config: what is accepted, and what a mistake is answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from slidesieve.encoders.registry import check_encoder, load_encoder
from slidesieve.encoders.spec import EncoderSpec, parse_encoder
from slidesieve.errors import ConfigError


def test_a_bare_name_and_a_mapping_mean_the_same():
    assert parse_encoder("timm:resnet18") == parse_encoder({"name": "timm:resnet18"})
    assert parse_encoder("timm:resnet18") == EncoderSpec("timm:resnet18")


def test_only_the_first_colon_parts_family_and_model():
    spec = parse_encoder("timm:hf-hub:owner/model")
    assert (spec.family, spec.model) == ("timm", "hf-hub:owner/model")


def test_weights_become_a_path():
    assert parse_encoder({"name": "timm:x", "weights": "a/b.pth"}).weights == Path("a/b.pth")


def test_a_known_name_loads():
    encoder = load_encoder({"name": "colour_texture", "precision": "fp16"})
    assert (encoder.name, encoder.precision) == ("colour_texture", "fp16")


def test_an_unknown_name_is_answered_with_what_comes_near():
    with pytest.raises(ConfigError, match="did you mean 'colour_texture'") as error:
        check_encoder("color_texture")
    assert "timm:<model>" in str(error.value)


def test_all_mistakes_of_an_entry_are_reported_at_once():
    entry = {
        "name": "timm:resnet18",
        "pretraned": True,
        "precision": "fp8",
        "device": 0,
        "weights": 3,
        "pretrained": "yes",
    }
    with pytest.raises(ConfigError) as error:
        parse_encoder(entry)
    assert len(error.value.problems) == 5
    assert "unknown key 'pretraned'; did you mean 'pretrained'" in str(error.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [({}, "name is missing"), ({"name": ""}, "name: '' must be"), ({"name": 3}, "name: 3 must be")],
)
def test_an_entry_without_a_name_is_refused(entry, words):
    with pytest.raises(ConfigError, match=words):
        parse_encoder(entry)


def test_published_and_local_weights_exclude_each_other():
    with pytest.raises(ConfigError, match="exclude each other"):
        parse_encoder({"name": "timm:resnet18", "pretrained": True, "weights": "w.pth"})
