"""Bags for the tests of DTC-WSI."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from slidesieve.bags import Bag, collate


@pytest.fixture
def make_batch():
    """Return a function from bag lengths to a batch of random tokens on random places."""

    def make(lengths, dim=16, seed=0):
        bags = []
        for i, n_tokens in enumerate(lengths):
            rng = np.random.default_rng([seed, i, n_tokens])
            features = rng.normal(size=(n_tokens, dim)).astype(np.float32)
            coords = rng.permutation(10_000)[:n_tokens]
            coords = np.stack([coords % 100, coords // 100], axis=1) * 256
            bags.append(Bag(f"s{i}", f"p{i}", 0, features, coords))
        return collate(bags)

    return make


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
