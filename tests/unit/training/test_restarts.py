"""A fit that looks failed is tried again, and the validation part alone decides."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from helpers.bag_factory import planted_bags, random_bags
from slidesieve.training.fits_table import fits_table
from slidesieve.training.fitted import FittedModel, load_model, save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.restarts import fit_with_restarts
from slidesieve.training.settings import TrainingSettings

CPU, CLASSES = torch.device("cpu"), ("benign", "tumour")
SPEC = {"aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8}}
# Noise against labels: no seed learns anything that holds on the validation part.
HOPELESS = random_bags([12] * 8), random_bags([12] * 40, seed=3)
SETTINGS = TrainingSettings(epochs=20, batch_slides=4, restarts=2)


def score(fitted: FittedModel) -> tuple[float, float]:
    row = fitted.history.iloc[fitted.best_epoch - 1]
    return row["val_balanced_accuracy"], -row["val_loss"]


@pytest.fixture(scope="module")
def hopeless() -> FittedModel:
    return fit_with_restarts(SPEC, *HOPELESS, CLASSES, SETTINGS, CPU)


def test_the_best_of_all_tries_on_the_validation_part_is_kept(hopeless):
    assert hopeless.signs
    assert hopeless.restarts == 2
    tries = [
        fit_fold(SPEC, *HOPELESS, CLASSES, replace(SETTINGS, seed=seed), CPU)
        for seed in (0, 10_007, 20_014)
    ]
    assert len({score(fitted) for fitted in tries}) == 3
    best = max(tries, key=score)
    assert (hopeless.seed, score(hopeless)) == (best.seed, score(best))


def test_a_fit_without_signs_is_not_repeated():
    train, val = planted_bags(24, seed=0), planted_bags(12, seed=1)
    settings = TrainingSettings(epochs=30, lr=3e-3, restarts=3)
    once = fit_fold(SPEC, train, val, CLASSES, settings, CPU)
    assert once.signs == ()
    assert fit_with_restarts(SPEC, train, val, CLASSES, settings, CPU).restarts == 0


def test_seed_signs_and_restarts_are_stored_and_stand_in_the_table(hopeless, tmp_path):
    save_model(tmp_path / "m", hopeless)
    again = load_model(tmp_path / "m")
    assert (again.seed, again.signs, again.restarts) == (
        hopeless.seed,
        hopeless.signs,
        hopeless.restarts,
    )
    (row,) = fits_table({("uni", "abmil"): [tmp_path / "m"]}, {}).itertuples()
    assert (row.seed, row.restarts, row.epochs) == (hopeless.seed, 2, len(hopeless.history))
    assert row.val_balanced_accuracy == pytest.approx(score(hopeless)[0])
    assert row.signs == "; ".join(hopeless.signs)
