"""Stability of a selection."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from helpers.bag_factory import planted_bags
from slidesieve.bags import collate
from slidesieve.selector_diagnostics.slides import measure_slide, score_slide
from slidesieve.selector_diagnostics.stability import (
    SIGMAS,
    agreement,
    chance_jaccard,
    jaccard,
    jitter,
)


def chosen(*positions: int, n: int = 6) -> np.ndarray:
    return np.isin(np.arange(n), positions)


def test_jaccard_is_shared_over_all():
    assert jaccard(chosen(0, 1, 2), chosen(0, 1, 2)) == 1
    assert jaccard(chosen(0, 1, 2), chosen(1, 2, 3)) == 2 / 4
    assert jaccard(chosen(0, 1), chosen(2, 3)) == 0


def test_agreement_is_the_mean_over_pairs():
    selections = [chosen(0, 1), chosen(0, 1), chosen(2, 3)]
    assert agreement(selections) == pytest.approx((1 + 0 + 0) / 3)


def test_chance_is_the_mean_over_all_pairs_of_selections():
    sets = [set(c) for c in itertools.combinations(range(7), 3)]
    expected = np.mean([len(a & b) / len(a | b) for a in sets for b in sets])
    assert chance_jaccard(7, 3) == pytest.approx(expected)


def test_jitter_is_in_units_of_the_features_spread():
    tokens = collate(planted_bags(1, seed=0))
    wide = tokens.with_features(tokens.features * torch.tensor([100.0, *[1.0] * 7]))
    shaken = jitter(wide, 0.1, seed=4).features - wide.features
    again = jitter(tokens, 0.1, seed=4).features - tokens.features
    torch.testing.assert_close(shaken[..., 0], 100 * again[..., 0], rtol=1e-3, atol=1e-3)
    spread = tokens.features.std(dim=1, correction=0)
    torch.testing.assert_close(
        again.std(dim=1, correction=0) / spread, torch.full((1, 8), 0.1), rtol=0.4, atol=0
    )


def test_a_selection_is_stable_without_noise_and_less_so_the_more_there_is(fitted):
    values = {sigma: [] for sigma in SIGMAS}
    for bag in planted_bags(20, seed=5):
        with torch.no_grad():
            scored = score_slide(fitted.model, collate([bag]))
            rows = list(measure_slide(fitted.model, bag, scored, None))
        for topic, variant, _, value in rows:
            if topic == "noise" and variant != "chance":
                values[float(variant)].append(value)
    means = [np.mean(values[sigma]) for sigma in SIGMAS]
    assert means[0] == 1
    assert all(a > b for a, b in itertools.pairwise(means))
    assert means[-1] > chance_jaccard(40, 6)
