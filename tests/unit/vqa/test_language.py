"""Language models: made from nothing, saved and loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from helpers.tiny_answerer import SIZE, prompts, question, tiny_language
from slidesieve.errors import ConfigError, ContractError
from slidesieve.vqa import optional
from slidesieve.vqa.language import load_language, save_language
from slidesieve.vqa.model_settings import AnswerSettings, LanguageSettings
from slidesieve.vqa.prompt import PromptMaker
from slidesieve.vqa.warm_up import make_language, warm_up

PLAIN = LanguageSettings(name="folder")


def gradient(language):
    ids = torch.tensor([prompts().prompt(question()).stem])
    language.model.train()
    language.model(input_ids=ids, labels=ids, use_cache=False).loss.backward()
    return language.model.model.layers[0].mlp.up_proj.weight.grad


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("language")
    save_language(path, tiny_language())
    return path


def test_a_loaded_model_is_the_one_that_was_saved(folder):
    saved, loaded = tiny_language(), load_language(folder, PLAIN)
    weights = loaded.model.state_dict()
    assert all(torch.equal(w, weights[name]) for name, w in saved.model.state_dict().items())
    text = prompts().prompt(question()).stem
    assert loaded.tokenizer.decode(text) == saved.tokenizer.decode(text)


def test_precision_is_that_of_the_settings(folder):
    language = load_language(folder, replace(PLAIN, dtype="bfloat16"))
    assert next(language.model.parameters()).dtype == torch.bfloat16


def test_checkpointing_changes_no_gradient(folder):
    kept = gradient(load_language(folder, PLAIN))
    again = load_language(folder, replace(PLAIN, checkpointing=True))
    assert again.model.is_gradient_checkpointing
    assert torch.equal(gradient(again), kept)


def test_the_same_questions_and_seed_make_the_same_model():
    questions = [question(i, answer="ABC"[i % 3]) for i in range(6)]
    settings = LanguageSettings(build=replace(SIZE, steps=3))
    first, second = (make_language(questions, settings, AnswerSettings()) for _ in range(2))
    other = make_language(
        questions, LanguageSettings(build=replace(SIZE, steps=3, seed=1)), AnswerSettings()
    )
    weights = [made.model.lm_head.weight for made in (first, second, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_the_first_lessons_teach_what_answers_sound_like():
    questions = [question(i, options=("solid", "acinar"), answer="AB"[i % 2]) for i in range(6)]
    language = tiny_language()
    maker = PromptMaker(language.tokenizer, AnswerSettings(say="text"))
    first = warm_up(language, questions, maker, replace(SIZE, steps=1, lr=1e-9))
    assert warm_up(language, questions, maker, replace(SIZE, steps=40, lr=1e-2)) < first / 3


def test_captions_alone_make_no_language():
    caption = question(category="caption", options=(), answer="", answer_text="solid")
    settings = LanguageSettings(build=SIZE)
    with pytest.raises(ContractError, match="there are none"):
        make_language([caption], settings, AnswerSettings())


def test_a_missing_package_is_named_with_what_to_install(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError(name=name)

    monkeypatch.setattr(optional, "import_module", absent)
    with pytest.raises(ConfigError, match=r"needs peft: pip install 'slidesieve\[vqa\]'"):
        optional.import_optional("peft")
