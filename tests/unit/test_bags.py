"""Bags are checked, padded at the end, and packed under a token budget."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers.bag_factory import random_bags
from slidesieve.bags import (
    Bag,
    check_bags,
    collate,
    load_bags,
    load_folds,
)
from slidesieve.errors import ContractError
from slidesieve.nn.packing import pack_by_tokens
from slidesieve.store.features import FeatureSet, write_features
from slidesieve.store.stored_features import StoredFeatures


def test_collate_pads_at_the_end_with_zeros():
    bags = random_bags([3, 5])
    batch = collate(bags)
    assert batch.features.shape == (2, 5, 8)
    assert batch.mask.tolist() == [[True] * 3 + [False] * 2, [True] * 5]
    assert batch.size.tolist() == [[1, 1, 1, 0, 0], [1] * 5]
    assert batch.lengths.tolist() == [3, 5]
    np.testing.assert_array_equal(batch.features[0, :3], bags[0].features)
    np.testing.assert_array_equal(batch.coords[1], bags[1].coords)
    assert not batch.features[0, 3:].any()
    assert not batch.coords[0, 3:].any()


def test_half_precision_stays_half_only_if_all_bags_are():
    half = [
        dataclasses.replace(b, features=b.features.astype(np.float16)) for b in random_bags([2])
    ]
    assert collate(half).features.numpy().dtype == np.float16
    assert collate([*half, *random_bags([2])]).features.numpy().dtype == np.float32


@given(st.lists(st.integers(1, 3000), max_size=60), st.integers(1, 10_000))
def test_packed_batches_hold_every_bag_once_within_the_budget(lengths, budget):
    batches = pack_by_tokens(lengths, budget)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        padded = longest * len(batch)
        assert padded <= budget or len(batch) == 1
        # The last bag to come in may have been let in just below the 1024 tokens of a small batch.
        if padded - longest >= 1024:
            assert 2 * sum(lengths[i] for i in batch) >= padded - longest


def test_bags_that_fit_together_are_not_separated():
    assert pack_by_tokens([5, 50, 7, 40], 10_000) == [[1, 3, 2, 0]]
    assert pack_by_tokens([2000, 900, 2000], 100_000) == [[0, 2], [1]]
    assert pack_by_tokens([], 10) == []


def test_nan_and_inf_are_refused_with_the_slide():
    bags = random_bags([4, 4])
    bags[1].features[2, 3] = np.nan
    bags[1].features[3, 0] = np.inf
    with pytest.raises(ContractError, match="slide s1: 2 of 4 tokens hold NaN or Inf"):
        check_bags(bags)


def test_bags_of_different_width_or_encoder_are_refused_with_both_slides():
    narrow = dataclasses.replace(random_bags([3], dim=4)[0], slide_id="narrow")
    with pytest.raises(ContractError, match=r"s0 and narrow .* different width \(8 and 4\)"):
        check_bags([*random_bags([3]), narrow])
    newer = dataclasses.replace(random_bags([3])[0], slide_id="newer", encoder_revision="2")
    with pytest.raises(ContractError, match=r"s0 and newer were encoded differently"):
        check_bags([*random_bags([3]), newer])


def test_empty_bag_is_refused():
    with pytest.raises(ContractError, match="slide s0: no tokens"):
        check_bags(random_bags([0]))


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "slide_id": ["s1", "blank", "s2", "broken"],
            "patient_id": ["p1", "p1", "p2", "p3"],
            "label": ["b", "a", "a", "b"],
        }
    )


@pytest.fixture
def path_of(tmp_path, table) -> dict:
    def written(slide_id: str, n_tokens: int, status: str, reason: str):
        path = tmp_path / f"{slide_id}.h5"
        rng = np.random.default_rng(n_tokens)
        features = FeatureSet(
            slide_id=slide_id,
            features=rng.standard_normal((n_tokens, 6)).astype(np.float16),
            coords=rng.integers(0, 999, (n_tokens, 2)),
            encoder="e",
            encoder_revision="1",
            status=status,
            reason=reason,
        )
        write_features(path, features)
        return path

    return {
        "s1": written("s1", 7, "ok", ""),
        "blank": written("blank", 0, "empty", "no tissue"),
        "s2": written("s2", 4, "ok", ""),
        "broken": written("broken", 0, "failed", "not a slide"),
    }


def test_loading_keeps_the_tables_order_and_names_slides_left_out(table, path_of, caplog):
    with caplog.at_level(logging.WARNING):
        bags = load_bags(table, path_of, ["a", "b"])
    assert [(b.slide_id, b.patient_id, b.label_index) for b in bags] == [
        ("s1", "p1", 1),
        ("s2", "p2", 0),
    ]
    assert bags[0].features.shape == (7, 6)
    assert bags[0].encoder_revision == "1"
    assert "2 slides have no tokens and are left out: blank (no tissue), broken (not a slide)" in (
        caplog.text
    )


def test_loading_refuses_an_unknown_label(table, path_of):
    with pytest.raises(ContractError, match="slide s1: label b is none of a, c"):
        load_bags(table, path_of, ["a", "c"])


def test_loading_brings_double_precision_to_single(tmp_path, table):
    torch.save(torch.ones(3, 6, dtype=torch.float64), tmp_path / "s1.pt")
    bags = load_bags(table.iloc[:1], {"s1": tmp_path / "s1.pt"}, ["a", "b"])
    assert isinstance(bags[0], Bag)
    assert bags[0].features.dtype == np.float32


def test_slides_beyond_the_room_stay_on_disk_and_give_the_same_batch(table, path_of):
    in_memory = load_bags(table, path_of, ["a", "b"])
    one_fits = in_memory[0].features.nbytes
    mixed = load_bags(table, path_of, ["a", "b"], memory_budget_bytes=one_fits)
    assert [isinstance(bag.features, StoredFeatures) for bag in mixed] == [False, True]
    for part, expected in zip(batch_parts(mixed), batch_parts(in_memory), strict=True):
        assert torch.equal(part, expected)


def test_what_stays_on_disk_is_checked_all_the_same(tmp_path, table):
    torch.save(torch.full((3, 6), torch.nan), tmp_path / "s1.pt")
    with pytest.raises(ContractError, match="slide s1: 3 of 3 tokens hold NaN or Inf"):
        load_bags(table.iloc[:1], {"s1": tmp_path / "s1.pt"}, ["a", "b"], memory_budget_bytes=0)


def test_training_slides_come_first_when_memory_is_short(table, path_of, caplog):
    folds = table.assign(fold_0=["test", "val", "train", "val"])
    usable = {"s1": path_of["s1"], "s2": path_of["s2"]}
    with caplog.at_level(logging.INFO):
        parts = load_folds(folds, [0], usable, ["a", "b"], memory_budget_bytes=4 * 6 * 2)[0]
    assert isinstance(parts["train"][0].features, np.ndarray)
    assert isinstance(parts["test"][0].features, StoredFeatures)
    assert "1 of 2 slides are beyond training.preload_mb" in caplog.text


def test_folds_of_one_job_share_their_slides_and_keep_the_order_of_the_table(table, path_of):
    folds = table.assign(fold_0=["train", "test"] * 2, fold_1=["train", "val", "unused", "test"])
    together = load_folds(folds, [0, 1], path_of, ["a", "b"])
    for fold in (0, 1):
        alone = load_folds(folds, [fold], path_of, ["a", "b"])[fold]
        for part, bags in alone.items():
            assert [b.slide_id for b in together[fold][part]] == [b.slide_id for b in bags]
    assert together[0]["train"][0] is together[1]["train"][0]


def batch_parts(bags) -> list[torch.Tensor]:
    batch = collate(bags)
    return [batch.features, batch.mask, batch.coords, batch.size]


def test_parts_lost_to_unusable_slides_are_said(table, path_of, caplog):
    folds = table.assign(fold_0=["train", "val", "val", "test"])
    usable = {slide: path for slide, path in path_of.items() if slide == folds["slide_id"][0]}
    with caplog.at_level(logging.WARNING):
        parts = load_folds(folds, [0], usable, ["a", "b"])[0]
    assert [len(parts[part]) for part in ("train", "val", "test")] == [1, 0, 0]
    assert "no validation slide is usable" in caplog.text
    assert "no usable training slide shows class" in caplog.text
