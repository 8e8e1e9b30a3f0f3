"""Who merges with whom, against brute force."""

from __future__ import annotations

import pytest
import torch

from helpers import parts
from slidesieve.reduction.dtc import matching
from slidesieve.reduction.dtc.matching import choose_pairs, find_candidates
from slidesieve.reduction.dtc.pool import TokenPool
from slidesieve.reduction.dtc.settings import DTCSettings


def brute_force(features, contrast, reach, weight):
    """Return {giver: (receiver, utility)} of one bag; of equal receivers any may be named."""
    best = {}
    for a in range(0, len(features), 2):
        for b in range(1, len(features), 2):
            if abs(a - b) > reach:
                continue
            cosine = torch.nn.functional.cosine_similarity(features[a], features[b], dim=0)
            utility = weight * cosine - (1 - weight) * (contrast[a] - contrast[b]).abs().clamp(
                max=1
            )
            if a not in best or utility > best[a][1]:
                best[a] = (b, utility)
    return best


@pytest.mark.parametrize("length", [2, 3, 9, 24])
@pytest.mark.parametrize(
    ("name", "reach"), [("window", 1), ("window", 4), ("window", 5), ("tome", 10**6)]
)
def test_every_giver_has_its_best_partner(make_batch, monkeypatch, name, reach, length):
    monkeypatch.setattr(matching, "_BLOCK", 50)
    batch = make_batch([length, 24])
    contrast = torch.rand(batch.mask.shape) * 3
    settings = DTCSettings(matching=name, window=min(reach, 100), similarity_weight=0.7)
    pool = TokenPool(batch)
    found = find_candidates(pool, pool.references, contrast, settings)
    expected = brute_force(batch.features[0, :length], contrast[0], reach, 0.7)
    there = found.utility[0].isfinite()
    assert set(found.giver[0][there].tolist()) == set(expected)
    for giver, receiver, utility in zip(
        found.giver[0][there].tolist(),
        found.receiver[0][there].tolist(),
        found.utility[0][there],
        strict=True,
    ):
        assert receiver == expected[giver][0]
        torch.testing.assert_close(utility, expected[giver][1])


def test_aligned_pairs_are_neighbours(make_batch):
    pool = TokenPool(make_batch([7, 10]))
    found = find_candidates(pool, pool.references, torch.zeros(2, 10), DTCSettings())
    there = found.utility.isfinite()
    assert there.sum(dim=1).tolist() == [3, 5]
    assert torch.equal(found.receiver[there], found.giver[there] + 1)


def test_tome_may_merge_several_tokens_into_one_by_a_common_softmax():
    from slidesieve.tokens import TokenBatch

    features = torch.tensor([[1.0, 0.0], [1.0, 0.01], [1.0, 0.02], [-1.0, 0.0], [1.0, 0.03]])
    ones = torch.ones(1, 5)
    batch = TokenBatch(features[None], ones.bool(), torch.zeros(1, 5, 2, dtype=torch.int64), ones)
    reducer = parts.dtc(
        2, matching="tome", stage_ratios=[0.6], merge_fraction=1.0, gate_input="none"
    ).eval()
    reduction = reducer(batch)
    assert reduction.tokens.size.tolist() == [[3.0, 1.0, 1.0]]
    members = (reduction.source[0] == 0).nonzero().squeeze(1)
    assert 1 in members
    weights = reducer.networks[0](features[members]).softmax(dim=0)
    torch.testing.assert_close(
        reduction.tokens.features[0, 0], (weights[:, None] * features[members]).sum(dim=0)
    )


def test_equal_pairs_are_chosen_in_order():
    candidates = matching.Candidates(
        giver=torch.tensor([[0, 2, 4, 6]]),
        receiver=torch.tensor([[1, 3, 5, 7]]),
        utility=torch.tensor([[0.5, 0.9, 0.5, 0.5]]),
    )
    pairs = choose_pairs(candidates, torch.tensor([3]))
    assert pairs.giver.tolist() == [[2, 0, 4]]
    assert pairs.receiver.tolist() == [[3, 1, 5]]
