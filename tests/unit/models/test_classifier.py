"""Slide classifiers: every reducer with every aggregator, and nothing depends on padding."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from helpers.bag_factory import random_bags
from helpers.parts import small_aggregator
from slidesieve.aggregators.registry import AGGREGATORS
from slidesieve.bags import collate
from slidesieve.errors import ConfigError
from slidesieve.models.classifier import SlideClassifier, build_model, token_attention
from slidesieve.models.standardise import Standardise
from slidesieve.reduction.registry import REDUCERS
from slidesieve.tokens import Reduction, SlideOutput, TokenBatch

# Budgets below the bags' lengths, so that reducers have something to do; a new reducer that is
# not named here is tested with its defaults.
BUDGETS = {
    "attention_topk": {"k": 4},
    "farthest_point": {"k": 4},
    "kmeans": {"k": 4},
    "random": {"retention": 0.4},
    "slots": {"k": 4},
    "sparselearn": {"k": 4},
    "tome": {"k": 4},
    "uniform": {"retention": 0.4},
}
LENGTHS = [17, 5, 1, 30]

every_model = pytest.mark.parametrize(
    "model_spec",
    [
        pytest.param(
            {
                "reducer": {"name": reducer, **BUDGETS.get(reducer, {})},
                "aggregator": small_aggregator(aggregator),
            },
            id=f"{reducer}-{aggregator}",
        )
        for reducer in sorted(REDUCERS)
        for aggregator in sorted(AGGREGATORS)
    ],
)


def prepared_model(spec: dict, dim: int = 8) -> SlideClassifier:
    torch.manual_seed(0)
    model = build_model(spec, dim, n_classes=3)
    model.prepare([collate([bag]) for bag in random_bags([20, 30, 25], dim, seed=1)])
    return model.eval()


def padded(batch: TokenBatch, extra: int) -> TokenBatch:
    def pad(values: torch.Tensor) -> torch.Tensor:
        after = values.new_zeros((len(values), extra, *values.shape[2:]))
        return torch.cat([values, after], dim=1)

    names = ("features", "mask", "coords", "size")
    return dataclasses.replace(batch, **{name: pad(getattr(batch, name)) for name in names})


def assert_same_for_one_bag(alone, together, row: int, n_tokens: int) -> None:
    (one, one_reduction), (all_, all_reduction) = alone, together
    torch.testing.assert_close(all_.logits[row], one.logits[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(all_.embedding[row], one.embedding[0], atol=1e-5, rtol=1e-5)
    assert torch.equal(all_reduction.source[row, :n_tokens], one_reduction.source[0, :n_tokens])
    assert (all_reduction.source[row, n_tokens:] == -1).all()
    n_out = int(one_reduction.tokens.lengths[0])
    assert int(all_reduction.tokens.lengths[row]) == n_out
    torch.testing.assert_close(
        all_.attention[row, :n_out], one.attention[0, :n_out], atol=1e-5, rtol=1e-5
    )
    assert not all_.attention[row, n_out:].any()


@every_model
def test_batch_and_padding_change_nothing(model_spec):
    model = prepared_model(model_spec)
    bags = random_bags(LENGTHS)
    with torch.no_grad():
        alone = [model(collate([bag])) for bag in bags]
        for together, order in (
            (model(collate(bags)), [0, 1, 2, 3]),
            (model(padded(collate(bags), 13)), [0, 1, 2, 3]),
            (model(collate(bags[::-1])), [3, 2, 1, 0]),
        ):
            for row, i in enumerate(order):
                assert_same_for_one_bag(alone[i], together, row, LENGTHS[i])


@every_model
def test_gradients_of_a_padded_batch_are_the_sum_of_those_of_its_bags(model_spec):
    model = prepared_model(model_spec)
    bags = random_bags(LENGTHS)

    def gradients(batches: list[TokenBatch]) -> list[torch.Tensor]:
        model.zero_grad()
        for batch in batches:
            model(batch)[0].logits.square().sum().backward()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    together = gradients([padded(collate(bags), 7)])
    alone = gradients([collate([bag]) for bag in bags])
    assert len(together) == len(alone) > 0
    for ours, theirs in zip(together, alone, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)


@every_model
def test_attention_of_input_tokens_sums_to_one(model_spec):
    model = prepared_model(model_spec)
    batch = collate(random_bags(LENGTHS))
    with torch.no_grad():
        output, reduction = model(batch)
    attention = token_attention(output, reduction)
    assert attention.shape == batch.mask.shape
    assert torch.allclose(attention.sum(dim=1), torch.ones(len(LENGTHS)), atol=1e-5)
    assert not attention[~batch.mask].any()


def test_attention_of_merged_tokens_is_shared_and_of_dropped_ones_zero():
    output = SlideOutput(torch.zeros(1, 2), torch.tensor([[0.7, 0.3]]), torch.zeros(1, 1))
    tokens = collate(random_bags([2]))
    reduction = Reduction(tokens, source=torch.tensor([[0, 1, 0, -1, 1, 1]]))
    expected = torch.tensor([[0.35, 0.1, 0.35, 0.0, 0.1, 0.1]])
    assert torch.allclose(token_attention(output, reduction), expected)


def test_standardise_uses_the_real_tokens_of_all_training_slides():
    bags = random_bags([3, 50, 11], dim=4)
    bags = [
        dataclasses.replace(b, features=b.features * np.float32([1, 100, 0.01, 0]) + 0.1)
        for b in bags
    ]
    standardise = Standardise(4)
    standardise.prepare([padded(collate([bag]), i) for i, bag in enumerate(bags)])
    tokens = np.concatenate([bag.features for bag in bags]).astype(float)
    np.testing.assert_allclose(standardise.mean, tokens.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(standardise.sd[:3], tokens.std(axis=0)[:3], rtol=1e-5)
    assert standardise.sd[3] == 1  # a constant feature must not be blown up
    batch = collate(bags)
    scaled = standardise(batch).features
    assert not scaled[~batch.mask].any()
    real = scaled[batch.mask]
    assert torch.allclose(real.mean(dim=0), torch.zeros(4), atol=1e-4)
    assert torch.allclose(real.std(dim=0, correction=0)[:3], torch.ones(3), atol=1e-4)


def test_without_standardisation_tokens_reach_the_aggregator_as_they_are():
    model = prepared_model({"aggregator": {"name": "abmil"}, "standardise": False})
    bags = [
        dataclasses.replace(b, features=b.features.astype(np.float16)) for b in random_bags([6])
    ]
    batch = collate(bags)
    with torch.no_grad():
        direct = model.aggregator(batch.with_features(batch.features.float()))
        through, _ = model(batch)
    assert torch.equal(direct.logits, through.logits)
    assert not any("standardise" in name for name in model.state_dict())


def test_aggregator_prepares_on_reduced_standardised_tokens():
    model = build_model({"reducer": {"name": "uniform", "k": 4}, "aggregator": "mean"}, 8, 2)
    seen = []
    model.aggregator.prepare = lambda bags: seen.extend(bags)
    bags = [collate([bag]) for bag in random_bags([20, 3])]
    model.train()
    model.prepare(bags)
    assert model.training
    assert [int(bag.lengths) for bag in seen] == [4, 3]
    expected = model.reducer(model.standardise(bags[0])).tokens.features
    assert torch.equal(seen[0].features, expected)


def test_all_mistakes_of_a_spec_are_reported_at_once():
    spec = {"reducer": "magic", "aggregator": {"name": "abmil", "x": 1}, "standardise": 3, "y": 0}
    with pytest.raises(ConfigError) as refusal:
        build_model(spec, 8, 2)
    text = str(refusal.value)
    assert len(refusal.value.problems) == 4
    for piece in ("no key 'y'", "standardise is 3", "no 'magic'", "unknown key 'x'"):
        assert piece in text
    with pytest.raises(ConfigError, match="'aggregator' is missing"):
        build_model({}, 8, 2)
