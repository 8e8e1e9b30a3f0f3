"""Batches arrive in order, one made ready ahead, wherever the features lie."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.bags import collate, load_bags
from slidesieve.store.features import FeatureSet, write_features
from slidesieve.store.stored_features import StoredFeatures
from slidesieve.training.batches import StepBatches, ready_batches, within_budget
from slidesieve.training.fitted import save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

CPU = torch.device("cpu")
ABMIL = {"aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8}}


def test_batches_come_in_the_order_of_their_groups():
    groups = within_budget(random_bags([5, 9, 2, 30, 1]), token_budget=12)
    for group, batch in zip(groups, ready_batches(groups, CPU), strict=True):
        assert torch.equal(batch.features, collate(group).features)
        assert torch.equal(batch.mask, collate(group).mask)


def test_no_groups_are_no_batches():
    assert list(ready_batches([], CPU)) == []


class Watched:
    """Features that note which of them have been read, and by which thread."""

    def __init__(self, number: int, read: dict[int, str]) -> None:
        self.array = np.full((3, 4), number, np.float32)
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self._number, self._read = number, read

    def __len__(self) -> int:
        return len(self.array)

    def __array__(self, dtype=None, copy=None):
        self._read[self._number] = threading.current_thread().name
        return self.array


def test_one_batch_is_made_ready_ahead_in_another_thread_and_no_more():
    read: dict[int, str] = {}
    bags = random_bags([3] * 6, dim=4)
    for number, bag in enumerate(bags):
        object.__setattr__(bag, "features", Watched(number, read))
    batches = ready_batches([[bag] for bag in bags], CPU)
    for number in range(6):
        next(batches)
        assert set(range(number + 1)) <= set(read) <= set(range(number + 2))
    assert all(thread.startswith("batches") for thread in read.values())


def test_bags_in_memory_for_a_model_on_cpus_are_padded_by_its_own_thread(monkeypatch):
    threads = []

    def noted(bags):
        threads.append(threading.current_thread().name)
        return collate(bags)

    monkeypatch.setattr("slidesieve.training.batches.collate", noted)
    assert len(list(ready_batches([[bag] for bag in random_bags([3] * 4)], CPU))) == 4
    assert set(threads) == {threading.current_thread().name}


def test_an_error_while_reading_reaches_the_caller():
    bags = random_bags([3, 3])
    object.__setattr__(bags[1], "coords", np.zeros((5, 2), np.int64))
    batches = ready_batches([[bag] for bag in bags], CPU)
    next(batches)
    with pytest.raises(ValueError, match="broadcast"):
        next(batches)


@pytest.fixture
def on_disk(tmp_path):
    """Twelve bags, written to features files: their table, paths and classes."""
    bags = random_bags([12, 3, 40, 7, 25, 9, 18, 5, 11, 4, 30, 6])
    rows, path_of = [], {}
    for bag in bags:
        path_of[bag.slide_id] = tmp_path / f"{bag.slide_id}.h5"
        write_features(
            path_of[bag.slide_id],
            FeatureSet(bag.slide_id, bag.features.astype(np.float16), bag.coords),
        )
        rows.append((bag.slide_id, bag.patient_id, "ab"[bag.label_index]))
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"]), path_of


def test_features_left_on_disk_train_the_same_model_to_the_byte(on_disk, tmp_path):
    table, path_of = on_disk
    settings = TrainingSettings(epochs=3, batch_slides=4, token_budget=60)
    written = []
    for name, room in (("memory", float("inf")), ("disk", 0)):
        bags = load_bags(table, path_of, ["a", "b"], memory_budget_bytes=room)
        assert isinstance(bags[0].features, StoredFeatures) == (name == "disk")
        fitted = fit_fold(ABMIL, bags[:8], bags[8:], ["a", "b"], settings, CPU)
        save_model(tmp_path / name, fitted)
        written.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert written[0] == written[1]


def test_a_step_begun_again_with_less_room_gives_the_same_bags_in_more_passes():
    steps = [random_bags([5, 9, 2]), random_bags([4, 4], seed=1)]
    batches = StepBatches(steps, CPU)
    first = batches.passes(0, 100)
    next(first)  # interrupted here, as by a lack of memory
    seen = [
        (len(group), int(batch.mask.sum()))
        for step in (0, 1)
        for group, batch in batches.passes(step, 8)
    ]
    assert seen == [(1, 9), (1, 5), (1, 2), (2, 8)]
