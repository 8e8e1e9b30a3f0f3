"""Features by reference."""

from __future__ import annotations

import torch

from slidesieve.cost import _LiveBytes
from slidesieve.reduction.dtc.pool import TokenPool
from slidesieve.reduction.dtc.reducer import DTC
from slidesieve.reduction.selection import keep_tokens


def test_what_is_looked_up_is_what_came_in_and_the_means(make_batch):
    batch = make_batch([5, 3])
    pool = TokenPool(batch)
    assert pool.look_up(pool.references) is batch
    keep = torch.tensor([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0]]).bool()
    kept = keep_tokens(pool.references, keep).tokens
    for value in (10.0, 20.0):
        is_merged = torch.tensor([[False, True, False], [True, False, False]])
        means = torch.full((2, 16), value) + torch.arange(2)[:, None]
        kept = pool.with_means(kept, is_merged, means)
        features = pool.look_up(kept).features
        assert torch.equal(features[0, [0, 2]], batch.features[0, [1, 4]])
        assert torch.equal(features[1, 1], batch.features[1, 1])
        assert torch.equal(features[is_merged], means)
        assert not features[1, 2].any()


def test_the_network_sees_each_token_once_and_merged_ones_not_at_all(make_batch):
    reducer = DTC(16).eval()
    seen = []
    reducer.networks[0].layers[0].register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0].numel() // 16)
    )
    batch = make_batch([301, 64])
    reducer(batch)
    assert sum(seen) == batch.mask.numel()


def test_a_large_bag_is_never_held_twice(make_batch):
    batch = make_batch([8000], dim=256)
    with torch.no_grad(), _LiveBytes(vars(batch).values()) as live:
        DTC(256, hidden_dim=8).eval()(batch)
    assert live.peak < 1.4 * batch.features.nbytes
