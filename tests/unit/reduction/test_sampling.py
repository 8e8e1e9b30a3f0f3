"""Reducers that keep some tokens: how many, which, in what order, and where each went."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.bag_factory import random_bags
from slidesieve.bags import collate
from slidesieve.errors import ConfigError
from slidesieve.reduction.registry import build_reducer
from slidesieve.reduction.selection import Budget
from slidesieve.tokens import Reduction, TokenBatch

SAMPLERS = ("random", "uniform")


def assert_consistent(tokens: TokenBatch, reduction: Reduction) -> None:
    """Every output token is the input token that `source` says, and order is kept."""
    for b in range(len(tokens.mask)):
        kept = (reduction.source[b] >= 0).nonzero().squeeze(1)
        assert tokens.mask[b, kept].all()
        n_kept = len(kept)
        assert reduction.source[b, kept].tolist() == list(range(n_kept))
        assert reduction.tokens.mask[b].tolist() == [
            i < n_kept for i in range(reduction.tokens.mask.shape[1])
        ]
        for name in ("features", "coords", "size"):
            before, after = getattr(tokens, name)[b], getattr(reduction.tokens, name)[b]
            assert torch.equal(after[:n_kept], before[kept])
            assert not after[n_kept:].any()


@given(st.integers(1, 100), st.integers(1, 20_000))
def test_retention_keeps_the_share_rounded_up_exactly(percent, n_tokens):
    expected = math.ceil(Fraction(percent, 100) * n_tokens)
    assert Budget(retention=percent / 100).count(n_tokens) == expected


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(SAMPLERS),
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.one_of(
        st.builds(dict, k=st.integers(1, 50)),
        st.builds(dict, retention=st.floats(0.01, 1)),
    ),
    st.booleans(),
)
def test_samplers_meet_their_budget_and_keep_order(name, lengths, budget, training):
    tokens = collate(random_bags(lengths))
    reducer = build_reducer({"name": name, **budget}, 8).train(training)
    reduction = reducer(tokens)
    expected = [Budget(**budget).count(n) for n in lengths]
    assert reduction.tokens.lengths.tolist() == expected
    assert reduction.tokens.mask.shape[1] == max(expected)
    assert_consistent(tokens, reduction)


def test_none_returns_the_same_bits():
    tokens = collate(random_bags([3, 6]))
    reduction = build_reducer("none", 8)(tokens)
    assert reduction.tokens is tokens
    assert reduction.source.tolist() == [[0, 1, 2, -1, -1, -1], [0, 1, 2, 3, 4, 5]]


def test_uniform_is_evenly_spread():
    tokens = collate(random_bags([12]))
    source = build_reducer({"name": "uniform", "k": 4}, 8)(tokens).source
    assert (source[0] >= 0).nonzero().squeeze(1).tolist() == [1, 4, 7, 10]


def test_random_draws_anew_in_training_and_always_the_same_in_evaluation():
    tokens = collate(random_bags([60, 60]))
    reducer = build_reducer({"name": "random", "k": 20}, 8)
    torch.manual_seed(0)
    assert not torch.equal(reducer(tokens).source, reducer(tokens).source)
    torch.manual_seed(0)
    first = reducer(tokens).source
    torch.manual_seed(0)
    assert torch.equal(first, reducer(tokens).source)
    reducer.eval()
    assert torch.equal(reducer(tokens).source, reducer(tokens).source)
    # Slides of the same length at other places keep other tokens.
    assert not torch.equal(*reducer(tokens).source)


def test_random_is_unbiased_over_positions():
    tokens = collate(random_bags([10]))
    reducer = build_reducer({"name": "random", "k": 3}, 8).train()
    torch.manual_seed(0)
    kept = sum((reducer(tokens).source[0] >= 0).float() for _ in range(2000)) / 2000
    assert torch.allclose(kept, torch.full((10,), 0.3), atol=0.05)


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize(
    ("budget", "message"),
    [
        ({}, "give either retention or k"),
        ({"retention": 0.5, "k": 3}, "give either retention or k"),
        ({"retention": 1.2}, "retention: 1.2"),
        ({"k": 0}, "k: 0"),
        ({"k": 2.5}, "k: 2.5 must be a whole number"),
        ({"retention": "half"}, "retention: 'half' must be a number"),
        ({"keep": 3}, "unknown key 'keep'; allowed: k, retention"),
    ],
)
def test_wrong_budgets_are_refused(name, budget, message):
    with pytest.raises(ConfigError, match=message):
        build_reducer({"name": name, **budget}, 8)


def test_unknown_reducer_lists_the_known():
    with pytest.raises(
        ConfigError,
        match=r"reducer: no 'dct'; did you mean 'dtc'. allowed: .*none.*random.*uniform",
    ):
        build_reducer("dct", 8)
