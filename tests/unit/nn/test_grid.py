"""Tokens on the grid of a slide's tiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from slidesieve.bags import Bag, collate
from slidesieve.errors import ContractError
from slidesieve.nn.grid import places, to_grid

STEP = 507.98


def bag(cells, dim: int = 3, seed: int = 0) -> Bag:
    features = np.random.default_rng(seed).normal(size=(len(cells), dim)).astype(np.float32)
    coords = np.floor(np.array(cells) * STEP + 0.5).astype(np.int64) + 1234
    return Bag(f"s{seed}", "p", 0, features, coords, stated_pitch=STEP)


def test_places_count_from_the_slides_own_corner():
    batch = collate([bag([(3, 7), (300, 7), (3, 9)]), bag([(5, 5)])])
    found = places(batch)
    assert found[0].tolist() == [[0, 0], [297, 0], [0, 2]]
    assert found[1].tolist() == [[0, 0]] * 3


def test_tokens_of_a_cell_are_averaged_by_their_tiles_and_share_its_attention():
    batch = collate([bag([(0, 0), (1, 0), (0, 0)]), bag([(4, 4), (4, 5)], seed=1)])
    batch = replace(batch, size=batch.size * torch.tensor([[3.0, 1, 1], [1, 2, 0]]))
    grid = to_grid(batch)
    assert (grid.bag.tolist(), grid.row.tolist(), grid.column.tolist()) == (
        *([0, 0, 1, 1], [0, 0, 0, 1], [0, 1, 0, 0]),
    )
    means = grid.means(batch.features[batch.mask])
    x = batch.features
    torch.testing.assert_close(means[0], (3 * x[0, 0] + x[0, 2]) / 4)
    torch.testing.assert_close(means[1], x[0, 1])
    torch.testing.assert_close(means[3], x[1, 1])
    attention = grid.attention_of_tokens(torch.tensor([0.6, 0.4, 0.3, 0.7]))
    torch.testing.assert_close(attention, torch.tensor([[0.3, 0.4, 0.3], [0.3, 0.7, 0.0]]))


def test_one_token_per_cell_is_handed_on_bit_for_bit_in_any_order():
    given = bag([(2, 1), (0, 0), (1, 0)])
    grid = to_grid(collate([given]))
    expected = torch.from_numpy(given.features[[1, 2, 0]])
    assert torch.equal(grid.means(torch.from_numpy(given.features)), expected)


def test_a_bag_without_places_is_refused():
    unplaced = Bag("s", "p", 0, np.ones((4, 3), np.float32), np.zeros((4, 2), np.int64))
    with pytest.raises(ContractError, match="distance of its tiles"):
        places(collate([unplaced]))
