"""Covers of guided passes: what the scores know, and a draw of what they do not."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.bags import collate
from slidesieve.reduction.covers import drawn_cover, scored_cover


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def test_a_drawn_cover_has_k_real_tokens_and_all_of_a_bag_of_fewer():
    tokens = collate(random_bags([50, 12, 3], 8, seed=0))
    cover = drawn_cover(tokens.features, tokens.mask, 10)
    assert cover.sum(dim=1).tolist() == [10, 10, 3]
    assert not (cover & ~tokens.mask).any()


def test_equal_tokens_are_still_k():
    mask = torch.ones(1, 9, dtype=torch.bool)
    assert drawn_cover(torch.ones(1, 9, 4), mask, 5).sum() == 5


def test_every_pass_has_another_cover():
    tokens = collate(random_bags([60], 8, seed=0))
    first, second = (drawn_cover(tokens.features, tokens.mask, 10) for _ in range(2))
    assert not torch.equal(first, second)


def test_tokens_are_drawn_in_proportion_to_their_squared_distance():
    # At 0, 1 and 3: from 0 the others are drawn as 1 to 9, from 1 as 1 to 4, from 3 as 9 to 4.
    features = torch.tensor([[[0.0], [1.0], [3.0]]]).expand(20_000, 3, 1)
    mask = torch.ones(features.shape[:2], dtype=torch.bool)
    without = (~drawn_cover(features, mask, 2)).float().mean(dim=0)
    # The token left out: by the first, 0, and so on, each a third of the time.
    expected = torch.tensor([4 / 5 + 4 / 13, 9 / 10 + 9 / 13, 1 / 10 + 1 / 5]) / 3
    torch.testing.assert_close(without, expected, atol=0.02, rtol=0)


def test_what_is_rare_and_apart_is_no_longer_rare_in_a_cover():
    features = torch.randn(200, 100, 8)
    features[:, :3] += 6
    mask = torch.ones(200, 100, dtype=torch.bool)
    cover = drawn_cover(features, mask, 10)
    assert cover[:, :3].sum() / cover.sum() > 3 * 0.03


def test_half_of_a_scored_cover_are_the_best_tokens():
    tokens = collate(random_bags([60, 40], 8, seed=0))
    scores = torch.randn(2, 60)
    cover = scored_cover(tokens.features, scores, tokens.mask, 16)
    for bag in range(2):
        best = scores[bag].masked_fill(~tokens.mask[bag], -torch.inf).topk(8).indices
        assert cover[bag, best].all()
    assert (cover.sum(dim=1) <= 16).all()
    assert (cover.sum(dim=1) > 8).all()
