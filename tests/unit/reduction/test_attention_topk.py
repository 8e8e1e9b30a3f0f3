"""Attention top-K: what it learns from, and what it keeps."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from helpers.bag_factory import planted_bags, random_bags
from slidesieve.bags import collate
from slidesieve.errors import ConfigError
from slidesieve.reduction.registry import build_reducer
from slidesieve.training.fitted import FittedModel, load_model, save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.prediction import predict
from slidesieve.training.settings import TrainingSettings

CPU = torch.device("cpu")
CLASSES = ("benign", "tumour")
HEAD = {"hidden_dim": 16, "attention_dim": 8}
SPEC = {
    "reducer": {"name": "attention_topk", "k": 4, **HEAD},
    "aggregator": {"name": "abmil", **HEAD},
}
SETTINGS = TrainingSettings(epochs=12, lr=1e-2)


def fit(train: list, val: list = (), spec: dict = SPEC) -> FittedModel:
    return fit_fold(spec, train, val, CLASSES, SETTINGS, CPU)


def attention_of(fitted: FittedModel) -> dict[str, torch.Tensor]:
    weights = fitted.model.state_dict()
    return {name: w for name, w in weights.items() if name.startswith("reducer.")}


def relabelled(bags: list) -> list:
    return [dataclasses.replace(bag, label_index=1 - bag.label_index) for bag in bags]


def test_it_keeps_where_an_abmil_fitted_to_the_training_slides_looks():
    train = planted_bags(16, seed=1)
    fitted = fit(train)
    abmil = fit(train, spec={"aggregator": {"name": "abmil", **HEAD}}).model
    tokens = collate(planted_bags(4, seed=2))
    with torch.no_grad():
        attention = abmil(tokens)[0].attention
        _, reduction = fitted.model(tokens)
    for row in range(4):
        best = attention[row].argsort(descending=True, stable=True)[:4].sort().values
        assert torch.equal((reduction.source[row] >= 0).nonzero().squeeze(1), best)
        assert torch.equal(reduction.tokens.coords[row], tokens.coords[row, best])


def test_labels_of_validation_slides_never_reach_what_is_kept():
    train, val = planted_bags(12, seed=1), planted_bags(8, seed=3)
    one, other = fit(train, val), fit(train, relabelled(val))
    for name, weights in attention_of(one).items():
        assert torch.equal(attention_of(other)[name], weights), name
    # The training labels do, or the test above could not fail.
    flipped = attention_of(fit(relabelled(train), val))
    assert any(not torch.equal(flipped[name], w) for name, w in attention_of(one).items())


def test_the_attention_stays_as_it_was_fitted_while_the_aggregator_trains():
    train = planted_bags(12, seed=1)
    abmil = fit(train, spec={"aggregator": {"name": "abmil", **HEAD}}).model.aggregator
    fitted = fit(train)
    teacher = abmil.state_dict()
    for name, weights in fitted.model.reducer.abmil.state_dict().items():
        assert torch.equal(weights, teacher[name]), name


def test_training_passes_see_the_same_tokens_every_time():
    reducer = build_reducer({"name": "attention_topk", "k": 4, **HEAD}, 8).train()
    tokens = collate(random_bags([30, 12]))
    assert torch.equal(reducer(tokens).source, reducer(tokens).source)
    assert not reducer.abmil.training


def test_two_fits_give_the_same_weights_and_a_stored_model_predicts_alike(tmp_path):
    train, test = planted_bags(8, seed=1), planted_bags(4, seed=2)
    one, other = fit(train), fit(train)
    for name, weights in one.model.state_dict().items():
        assert torch.equal(other.model.state_dict()[name], weights), name
    save_model(tmp_path, one)
    expected = predict(one, test, SETTINGS, CPU)
    assert predict(load_model(tmp_path), test, SETTINGS, CPU).equals(expected)


def test_three_classes_and_a_share_of_the_tokens():
    train = random_bags([12, 20, 9, 15, 30, 8], n_classes=3)
    spec = SPEC | {"reducer": {"name": "attention_topk", "retention": 0.5, **HEAD}}
    fitted = fit_fold(spec, train, [], ("a", "b", "c"), SETTINGS, CPU)
    _, reduction = fitted.model(collate(train))
    assert reduction.tokens.lengths.tolist() == [6, 10, 5, 8, 15, 4]


def test_mistakes_are_named():
    with pytest.raises(ConfigError, match="give either retention or k"):
        build_reducer("attention_topk", 8)
    with pytest.raises(ConfigError, match="attention_dim: 0"):
        build_reducer({"name": "attention_topk", "k": 4, "attention_dim": 0}, 8)
