"""Selectors at equal k: against brute force and scikit-learn, and free of batch effects."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from torch.nn import functional

from helpers.bag_factory import random_bags
from slidesieve.bags import collate
from slidesieve.errors import ConfigError
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.kmeans import lloyd, plus_plus_seeds
from slidesieve.reduction.registry import build_reducer
from slidesieve.reduction.slots import balance_loss
from slidesieve.tokens import TokenBatch

DIM = 6
SPECS = [
    {"name": "attention_topk", "k": 7, "hidden_dim": 16, "attention_dim": 8},
    {"name": "farthest_point", "k": 7},
    {"name": "kmeans", "k": 7},
    {"name": "kmeans", "k": 7, "token": "centroid"},
    {"name": "tome", "k": 7},
    {"name": "slots", "k": 7, "hidden_dim": 16},
]
MERGING = [spec for spec in SPECS if spec.get("token") == "centroid" or spec["name"] == "tome"]
KEEPING = [spec for spec in SPECS if spec not in MERGING and spec["name"] != "slots"]
every_selector = pytest.mark.parametrize("spec", SPECS, ids=str)


def selector(spec: dict) -> TokenReducer:
    torch.manual_seed(0)
    return build_reducer(spec, DIM).eval()


def sized(batch: TokenBatch, seed: int = 0) -> TokenBatch:
    """The same tokens, standing for 1 to 4 tiles each."""
    generator = torch.Generator().manual_seed(seed)
    size = torch.randint(1, 5, batch.mask.shape, generator=generator) * batch.mask
    return TokenBatch(batch.features, batch.mask, batch.coords, size.float())


def clustered(n_tokens: int, seed: int = 0) -> TokenBatch:
    """One bag of seven well separated groups."""
    rng = np.random.default_rng(seed)
    (bag,) = random_bags([n_tokens], DIM, seed=seed)
    centres = rng.normal(size=(7, DIM)) * 10
    bag.features[:] = centres[rng.integers(7, size=n_tokens)] + rng.normal(size=(n_tokens, DIM))
    return collate([bag])


@every_selector
def test_padding_and_neighbours_change_nothing(spec):
    reducer = selector(spec)
    bags = random_bags([40, 3, 25, 8, 7, 1], DIM)
    with torch.no_grad():
        together = reducer(collate([*bags, *random_bags([61], DIM, seed=9)]))
        for row, bag in enumerate(bags):
            alone = reducer(collate([bag]))
            n, n_out = len(bag.features), int(alone.tokens.lengths[0])
            assert torch.equal(together.source[row, :n], alone.source[0])
            assert (together.source[row, n:] == -1).all()
            assert int(together.tokens.lengths[row]) == n_out
            for name in ("features", "coords", "size"):
                torch.testing.assert_close(
                    getattr(together.tokens, name)[row, :n_out],
                    getattr(alone.tokens, name)[0],
                    atol=1e-5,
                    rtol=1e-5,
                )
                assert not getattr(together.tokens, name)[row, n_out:].any()


@every_selector
@pytest.mark.parametrize("training", [False, True])
def test_source_size_and_places_agree(spec, training):
    reducer = selector(spec).train(training)
    tokens = sized(collate(random_bags([40, 3, 25], DIM)))
    reduction = reducer(tokens)
    out = reduction.tokens
    for row, n in enumerate([40, 3, 25]):
        source = reduction.source[row, :n]
        n_out = int(out.lengths[row])
        assert n_out <= min(7, n)
        assert set(source[source >= 0].tolist()) == set(range(n_out))
        for j in range(n_out):
            members = source == j
            assert out.size[row, j] == tokens.size[row, :n][members].sum()
            places = tokens.coords[row, :n].tolist()
            assert out.coords[row, j].tolist() in places


@every_selector
def test_the_same_bag_gives_the_same_tokens_twice(spec):
    reducer = selector(spec)
    tokens = collate(random_bags([40, 25], DIM))
    first, second = reducer(tokens), reducer(tokens)
    assert torch.equal(first.tokens.features, second.tokens.features)
    assert torch.equal(first.source, second.source)


@pytest.mark.parametrize("spec", MERGING + KEEPING, ids=str)
def test_k_tokens_are_left_and_short_bags_are_untouched(spec):
    tokens = collate(random_bags([50, 7, 4], DIM))
    reduction = selector(spec)(tokens)
    assert reduction.tokens.lengths.tolist() == [7, 7, 4]
    for row, n in ((1, 7), (2, 4)):
        torch.testing.assert_close(
            reduction.tokens.features[row, :n], tokens.features[row, :n], atol=1e-6, rtol=1e-6
        )


@pytest.mark.parametrize("spec", MERGING, ids=str)
def test_merged_tokens_are_size_weighted_means_and_no_tile_is_lost(spec):
    tokens = sized(collate(random_bags([40, 25], DIM)))
    reduction = selector(spec)(tokens)
    assert torch.equal(reduction.tokens.size.sum(dim=1), tokens.size.sum(dim=1))
    for row, j in np.ndindex(2, 7):
        members = reduction.source[row] == j
        mean = np.average(tokens.features[row, members], axis=0, weights=tokens.size[row, members])
        np.testing.assert_allclose(reduction.tokens.features[row, j], mean, atol=1e-5)


@pytest.mark.parametrize("spec", KEEPING, ids=str)
def test_kept_tokens_are_as_they_were_and_in_order(spec):
    tokens = collate(random_bags([40], DIM))
    reduction = selector(spec)(tokens)
    kept = (reduction.source[0] >= 0).nonzero().squeeze(1)
    assert reduction.source[0, kept].tolist() == list(range(7))
    assert torch.equal(reduction.tokens.features[0], tokens.features[0, kept])
    assert torch.equal(reduction.tokens.coords[0], tokens.coords[0, kept])


def farthest_points_by_brute_force(x: np.ndarray, k: int) -> list[int]:
    chosen = [int(np.argmin(np.linalg.norm(x - x.mean(axis=0), axis=1)))]
    while len(chosen) < k:
        to_chosen = cdist(x, x[chosen]).min(axis=1)
        to_chosen[chosen] = -1
        chosen.append(int(np.argmax(to_chosen)))
    return sorted(chosen)


# Two tokens are equally far from their mean, so that either may come first.
@given(n=st.integers(3, 40), k=st.integers(1, 12), seed=st.integers(0, 1000))
@hypothesis_settings(max_examples=40)
def test_farthest_points_match_brute_force(n, k, seed):
    tokens = collate(random_bags([n], DIM, seed=seed))
    kept = build_reducer({"name": "farthest_point", "k": k}, DIM)(tokens).source[0] >= 0
    expected = farthest_points_by_brute_force(tokens.features[0].double().numpy(), min(k, n))
    assert kept.nonzero().squeeze(1).tolist() == expected


def test_farthest_points_of_equal_tokens_are_still_k():
    tokens = collate(random_bags([20], DIM))
    tokens = tokens.with_features(torch.ones_like(tokens.features))
    for spec in ({"name": "farthest_point", "k": 7}, {"name": "tome", "k": 7}):
        assert int(selector(spec)(tokens).tokens.lengths[0]) == 7
    assert int(selector({"name": "kmeans", "k": 7})(tokens).tokens.lengths[0]) == 1


@pytest.mark.parametrize("weighted", [False, True])
def test_lloyd_ends_where_scikit_learn_does(weighted):
    tokens = collate(random_bags([200], DIM))
    tokens = sized(tokens) if weighted else tokens
    seeds = plus_plus_seeds(tokens, 9)
    cluster, distance = lloyd(tokens.features, tokens.size, tokens.mask, seeds, 300)
    theirs = KMeans(9, init=seeds[0].numpy(), n_init=1, max_iter=300, tol=0, algorithm="lloyd").fit(
        tokens.features[0].numpy(), sample_weight=tokens.size[0].numpy()
    )
    assert np.array_equal(cluster[0], theirs.labels_)
    inertia = float((distance.square() * tokens.size).sum())
    assert inertia == pytest.approx(theirs.inertia_, rel=1e-4)


def test_k_means_finds_separate_groups_and_takes_their_most_central_token():
    tokens = clustered(140)
    merged = selector({"name": "kmeans", "k": 7, "token": "centroid"})(tokens)
    nearest = selector({"name": "kmeans", "k": 7})(tokens)
    x = tokens.features[0].numpy()
    best = KMeans(7, n_init=20, random_state=0).fit(x)
    labels = best.labels_
    assert all(len(set(labels[(merged.source[0] == j).numpy()])) == 1 for j in range(7))
    central = {int(cdist(best.cluster_centers_[[j]], x).argmin()) for j in range(7)}
    assert set((nearest.source[0] >= 0).nonzero().squeeze(1).tolist()) == central


def test_k_means_seeds_are_drawn_in_proportion_to_squared_distance():
    tokens = collate(random_bags([2], 1))
    n_draws = 4000
    features = torch.tensor([[[0.0], [1.0], [3.0]]]).repeat(n_draws, 1, 1)
    coords = torch.arange(n_draws * 6).reshape(n_draws, 3, 2)  # every bag its own random numbers
    mask = torch.ones(n_draws, 3, dtype=torch.bool)
    tokens = TokenBatch(features, mask, coords, mask.float())
    first, second = plus_plus_seeds(tokens, 2).squeeze(-1).unbind(dim=1)
    frequency = torch.tensor([(first == value).float().mean() for value in (0.0, 1.0, 3.0)])
    torch.testing.assert_close(frequency, torch.full((3,), 1 / 3), atol=0.03, rtol=0)
    after_zero = second[first == 0]
    assert float((after_zero == 3).float().mean()) == pytest.approx(9 / 10, abs=0.03)


def merge_to_k_slowly(x: np.ndarray, size: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """ToMe pair by pair: returns features, and the members of each token by their number."""
    groups = [[i] for i in range(len(x))]
    features, sizes = list(x), list(size)
    while len(groups) > k:
        n = len(groups)
        unit = [f / np.linalg.norm(f) for f in features]
        candidates = []
        for a in range(0, n, 2):
            best = max(range(1, n, 2), key=lambda b: unit[a] @ unit[b])
            candidates.append((unit[a] @ unit[best], a, best))
        candidates.sort(key=lambda c: -c[0])
        total = [f * s for f, s in zip(features, sizes, strict=True)]
        gone = set()
        for _, a, b in candidates[: min(n - k, n // 2)]:
            total[b] = total[b] + total[a]
            sizes[b] += sizes[a]
            groups[b] = groups[b] + groups[a]
            gone.add(a)
        left = [i for i in range(n) if i not in gone]
        features = [total[i] / sizes[i] for i in left]
        sizes = [sizes[i] for i in left]
        groups = [groups[i] for i in left]
    return np.array(features), groups


@given(n=st.integers(1, 60), k=st.integers(1, 20), seed=st.integers(0, 1000))
@hypothesis_settings(max_examples=40)
def test_tome_matches_a_slow_reference(n, k, seed):
    tokens = sized(collate(random_bags([n], DIM, seed=seed)), seed)
    reduction = build_reducer({"name": "tome", "k": k}, DIM)(tokens)
    x, size = tokens.features[0].double().numpy(), tokens.size[0].double().numpy()
    features, groups = merge_to_k_slowly(x, size, k)
    np.testing.assert_allclose(reduction.tokens.features[0], features, atol=1e-5)
    for j, group in enumerate(groups):
        assert (reduction.source[0] == j).nonzero().squeeze(1).tolist() == sorted(group)


def test_slots_follow_the_formula_of_tc_ssa():
    reducer = selector({"name": "slots", "k": 4, "hidden_dim": 16})
    tokens = collate(random_bags([60], DIM))
    with torch.no_grad():
        reduction = reducer(tokens)
        x = tokens.features[0]
        p = (x @ reducer.gate.weight.T + reducer.gate.bias).softmax(dim=-1)
        second = p.sort(dim=-1, descending=True).values[:, 1:2]
        p = torch.where(p >= second, p, 0)
        e = reducer.experts
        for j in range(4):
            c = (p[:, j : j + 1] * x).sum(dim=0) / p[:, j].sum()
            hidden = functional.gelu(c @ e.w1[j] + e.b1[j, 0])
            refined = hidden @ e.w2[j] + e.b2[j, 0]
            expected = c + functional.layer_norm(refined, (DIM,))
            torch.testing.assert_close(reduction.tokens.features[0, j], expected)
    assert torch.equal(reduction.source[0], p.argmax(dim=-1))


def test_slot_loss_is_least_when_balanced_and_is_paid_in_training_only():
    n, k = 12, 4
    mask = torch.ones(1, n, dtype=torch.bool)
    even = torch.full((1, n, k), 1 / k)
    places = torch.arange(n)
    routes = torch.zeros(1, n, k)
    routes[0, places, places % k] = routes[0, places, (places + 1) % k] = 1
    z = 1e-4 * np.log(k) ** 2
    balanced = balance_loss(torch.zeros(1, n, k), even, routes, mask)
    assert float(balanced) == pytest.approx(1 + z)
    collapsed_p = torch.tensor([0.6, 0.4, 0.0, 0.0]).expand(1, n, k)
    collapsed_r = (collapsed_p > 0).float()
    entropy = -(0.6 * np.log(0.6) + 0.4 * np.log(0.4)) / np.log(k)
    collapsed = balance_loss(torch.zeros(1, n, k), collapsed_p, collapsed_r, mask)
    assert float(collapsed) == pytest.approx(k * 0.5 + 0.5 * (1 - entropy) + z, rel=1e-5)

    reducer = selector({"name": "slots", "k": 4})
    tokens = collate(random_bags([30, 9], DIM))
    assert reducer(tokens).losses == {}
    reducer.train()(tokens).losses["slot_balance"].backward()
    assert reducer.gate.weight.grad.abs().sum() > 0


def test_slot_loss_ignores_padding():
    reducer = selector({"name": "slots", "k": 4})
    tokens = collate(random_bags([30, 9], DIM))

    def loss(batch: TokenBatch) -> float:
        logits = reducer.gate(batch.features)
        routed = logits.softmax(dim=-1) * batch.mask[..., None]
        routes = torch.zeros_like(routed).scatter(-1, routed.topk(2).indices, 1.0)
        return balance_loss(logits, routed, routes * batch.mask[..., None], batch.mask).item()

    alone = [loss(collate([bag])) for bag in random_bags([30, 9], DIM)]
    assert loss(tokens) == pytest.approx(sum(alone) / 2, rel=1e-5)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "kmeans", "token": "median"}, "allowed: nearest, centroid"),
        ({"name": "kmeans", "iterations": 0}, "iterations: 0"),
        ({"name": "slots", "k": 1}, "k: 1"),
        ({"name": "tome", "k": 0}, "k: 0"),
        ({"name": "farthest_point", "k": 0}, "k: 0"),
    ],
)
def test_mistakes_are_named(spec, message):
    with pytest.raises(ConfigError, match=message):
        build_reducer(spec, DIM)
