"""Connector and language model together."""

from __future__ import annotations

import huggingface_hub.constants
import pytest
import torch

from helpers.bag_factory import random_bags
from helpers.tiny_answerer import asked, prompts, question, tiny_answerer, tiny_language
from slidesieve.bags import collate
from slidesieve.errors import ConfigError, ContractError
from slidesieve.reduction.registry import REDUCERS
from slidesieve.vqa.connector import SlidePrefix, random_tokens
from slidesieve.vqa.language import save_language
from slidesieve.vqa.model import load_answerer, save_answerer

BEFORE = prompts().prompt(question()).before
SPARSELEARN = {
    "name": "sparselearn", "k": 4, "hard_mix_prob": 0.0, "budget_start": 0.0, "budget_end": 0.0
}  # fmt: skip
WITHOUT_TEACHER = [name for name, entry in REDUCERS.items() if not entry.needs_teacher]


def scores(answerer, tokens):
    with torch.no_grad():
        return answerer.model(tokens, BEFORE, asked(question())).log_probability


def reducer_spec(name):
    return name if name in ("none", "dtc") else {"name": name, "k": 4}


@pytest.mark.parametrize("name", WITHOUT_TEACHER)
def test_every_reducer_stands_before_a_language_model(name):
    answerer = tiny_answerer(reducer_spec(name), positions="original")
    bags = random_bags([20, 9])
    answerer.model.connector.prepare([collate([bag]) for bag in bags])
    together = answerer.model(collate(bags), BEFORE, asked(question(), question())).mean
    apart = [answerer.model(collate([bag]), BEFORE, asked(question())).mean for bag in bags]
    assert torch.allclose(together, torch.cat(apart), atol=1e-5)


def test_the_answer_alone_teaches_the_scorer():
    answerer = tiny_answerer(SPARSELEARN)
    answerer.model.train()
    answerer.model.connector.reducer.schedule(5, 10)
    output = answerer.model(collate(random_bags([20])), BEFORE, asked(question()))
    assert not output.reduction.losses
    (-output.log_probability[0]).backward()
    scorer = answerer.model.connector.reducer.scorer
    assert all(weight.grad.abs().sum() > 0 for weight in scorer.parameters())


def test_a_hard_choice_teaches_the_scorer_nothing():
    answerer = tiny_answerer({**SPARSELEARN, "hard_mix_prob": 1.0})
    answerer.model.train()
    answerer.model.connector.reducer.schedule(5, 10)
    output = answerer.model(collate(random_bags([20])), BEFORE, asked(question()))
    (-output.log_probability[0]).backward()
    scorer = answerer.model.connector.reducer.scorer
    assert all(weight.grad is None for weight in scorer.parameters())


def test_use_needs_no_denoiser():
    answerer, tokens = tiny_answerer(SPARSELEARN), collate(random_bags([20]))
    with_denoiser = scores(answerer, tokens)
    answerer.model.connector.drop_training_parts()
    assert not hasattr(answerer.model.connector.reducer, "denoiser")
    assert torch.equal(scores(answerer, tokens), with_denoiser)


def test_the_soft_path_has_all_tokens():
    connector = tiny_answerer(SPARSELEARN).model.connector
    tokens = collate(random_bags([20]))
    assert connector(tokens).embeddings.shape[1] == 4
    assert connector.soft(tokens).embeddings.shape[1] == 20


def test_kept_tokens_stand_at_their_own_places():
    connector = tiny_answerer({"name": "uniform", "k": 4}, positions="original").model.connector
    prefix = connector(collate(random_bags([20, 8])))
    assert prefix.places.tolist() == [[2, 7, 12, 17], [1, 3, 5, 7]]
    assert prefix.spans.tolist() == [20, 8]
    compact = tiny_answerer({"name": "uniform", "k": 4}).model.connector(collate(random_bags([20])))
    assert (compact.places.tolist(), compact.spans.tolist()) == ([[0, 1, 2, 3]], [4])


def test_random_tokens_are_the_same_every_time_and_for_every_model():
    tokens = collate(random_bags([40]))
    first, second = random_tokens(tokens, 6), random_tokens(tokens, 6)
    assert first.features.shape[1] == 6
    assert torch.equal(first.coords, second.coords)


@pytest.mark.parametrize("adapt", ["full", "lora", "frozen"])
def test_a_saved_model_answers_as_before(tmp_path, adapt):
    save_language(tmp_path / "language", tiny_language())
    answerer = tiny_answerer(
        SPARSELEARN, adapt, positions="original", language_name=str(tmp_path / "language")
    )
    for name, weight in answerer.model.named_parameters():
        if adapt == "full" or "lora_" in name or name.startswith("connector"):
            torch.nn.init.normal_(weight, std=0.1)
    save_answerer(tmp_path / "model", answerer)
    loaded = load_answerer(tmp_path / "model")
    tokens = collate(random_bags([20]))
    assert torch.equal(scores(loaded, tokens), scores(answerer, tokens))
    assert (loaded.dim, loaded.positions, loaded.facts) == (8, "original", {"seed": 0})
    folders = {"full": {"lm"}, "lora": {"adapter"}, "frozen": set()}
    written = {path.name for path in (tmp_path / "model").iterdir()}
    assert written == {"connector.safetensors", "model.json"} | folders[adapt]
    endings = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert endings <= {".safetensors", ".json", ".md", ".jinja"}


def test_the_same_model_is_saved_as_the_same_bytes(tmp_path):
    for name in "ab":
        save_answerer(tmp_path / name, tiny_answerer(SPARSELEARN))
    for path in (tmp_path / "a").rglob("*.safetensors"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_a_damaged_model_is_named(tmp_path):
    save_answerer(tmp_path, tiny_answerer())
    (tmp_path / "connector.safetensors").write_bytes(b"short")
    with pytest.raises(ContractError, match="train it again"):
        load_answerer(tmp_path)


def test_a_language_model_that_is_nowhere_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    save_answerer(tmp_path / "model", tiny_answerer(adapt="frozen", language_name="tiny"))
    with pytest.raises(ConfigError, match="language model tiny"):
        load_answerer(tmp_path / "model")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"name": "attention_topk", "k": 4}, "classifier of slides"),
        ({"name": "sparselearn", "guided_share": 0.5}, "guided_share: 0.0"),
        ("sparselern", "did you mean 'sparselearn'"),
    ],
)
def test_a_reducer_that_cannot_stand_there_is_refused(spec, words):
    with pytest.raises(ConfigError, match=words):
        SlidePrefix(8, 16, spec)
