"""One question, asked at the command line."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from helpers.tiny_answerer import tiny_answerer, tiny_language
from helpers.token_factory import features_of
from slidesieve.cli.main import main
from slidesieve.errors import ConfigError, ContractError
from slidesieve.store.features import write_features
from slidesieve.vqa.asking import ask
from slidesieve.vqa.language import save_language
from slidesieve.vqa.model import save_answerer


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    save_language(folder / "language", tiny_language())
    answerer = tiny_answerer(
        {"name": "uniform", "k": 4}, language_name=str(folder / "language"), adapt="frozen"
    )
    facts = {"encoder": "toy", "answer": {"say": "text"}}
    save_answerer(folder / "model", replace(answerer, facts=facts))
    return folder / "model"


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """A slide of eight tiles whose features are 8 wide, as the model has them."""
    path = tmp_path_factory.mktemp("slide") / "s1.h5"
    found = features_of(8)
    wide = np.concatenate([found.features, found.features[:, :2]], axis=1)
    write_features(path, replace(found, features=wide))
    return path


def test_a_closed_question_is_answered_with_an_option(model, slide):
    reply = ask(model, slide, "Which pattern?", ["solid", "acinar"])
    assert reply.answer in ("solid", "acinar")
    assert sum(reply.probabilities) == pytest.approx(1)
    assert np.array_equal(reply.tiles, features_of(8).coords[[1, 3, 5, 7]])


def test_an_open_question_is_answered_in_writing(model, slide):
    assert ask(model, slide, "Which pattern?").probabilities == ()


def test_what_cannot_be_asked_is_named(model, slide, tmp_path):
    with pytest.raises(ConfigError, match="1 given; 2 to"):
        ask(model, slide, "Which pattern?", ["solid"])
    write_features(tmp_path / "s2.h5", features_of(8))
    with pytest.raises(ContractError, match=r"6 wide, and .* was trained with 8; take .* of toy"):
        ask(model, tmp_path / "s2.h5", "Which pattern?")


def test_the_command_prints_answer_confidence_and_tiles(model, slide, capsys):
    command = ["ask", str(model), str(slide), "Which pattern?", "--options", "solid", "acinar"]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] in ("solid", "acinar")
    assert lines[1].endswith("%  solid")
    assert lines[3] == "4 tiles, top-left corners in level-0 px:"
    assert lines[4].split()[0] == ",".join(map(str, features_of(8).coords[1]))
