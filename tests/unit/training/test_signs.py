"""Fits that failed are seen."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import torch

from helpers.bag_factory import random_bags
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings
from slidesieve.training.signs import signs_of_failure


def history(accuracies, cross_entropy=0.01):
    columns = {"val_balanced_accuracy": accuracies, "train_cross_entropy": cross_entropy}
    return pd.DataFrame(columns)


def signs(accuracies, best_epoch, first_epoch=1, **columns):
    return list(signs_of_failure(history(accuracies, **columns), best_epoch, first_epoch, 2))


def test_a_fit_that_gets_better_and_good_has_no_signs():
    assert signs(np.linspace(0.5, 0.95, 20), best_epoch=20) == []


def test_an_early_best_epoch_is_a_sign():
    [sign] = signs([0.5, 0.9, *[0.8] * 18], best_epoch=2)
    assert "best epoch is 2 of 20" in sign


def test_a_validation_part_without_error_could_not_gain():
    assert signs([1.0] * 20, best_epoch=1) == []


def test_what_is_early_counts_from_where_epochs_are_considered():
    accuracies = np.linspace(0.5, 0.95, 20)
    [sign] = signs(accuracies, best_epoch=9, first_epoch=9)
    assert "best epoch is 9 of 20, of which those from 9 on count" in sign
    assert signs(accuracies, best_epoch=14, first_epoch=9) == []


def test_chance_on_the_validation_part_is_a_sign_and_says_what_became_of_training():
    accuracies = [0.5] * 10 + [0.55] * 10
    [sign] = signs(accuracies, best_epoch=11)
    assert "near chance" in sign
    assert "by heart" in sign
    [sign] = signs(accuracies, best_epoch=11, cross_entropy=0.7)
    assert "neither" in sign


def test_without_a_validation_part_nothing_is_said():
    assert signs([np.nan] * 5, best_epoch=5) == []


def test_a_fit_to_noise_is_said_in_the_log(caplog):
    train, val = random_bags([12] * 8), random_bags([12] * 40, seed=3)
    settings = TrainingSettings(epochs=20, batch_slides=4)
    spec = {"aggregator": {"name": "abmil", "hidden_dim": 16, "attention_dim": 8}}
    with caplog.at_level(logging.WARNING):
        fitted = fit_fold(spec, train, val, ("benign", "tumour"), settings, torch.device("cpu"))
    expected = list(signs_of_failure(fitted.history, fitted.best_epoch, 1, 2))
    assert expected
    assert caplog.messages == [f"training: {sign}" for sign in expected]
