"""The final model sees all patients, for as many epochs as the folds say."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import planted_bags
from slidesieve.training.final import fit_final
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

CPU = torch.device("cpu")
SPEC = {"aggregator": {"name": "mean", "hidden_dim": 4}}
CLASSES = ("a", "b")


@pytest.mark.parametrize(("best", "last"), [([3, 1, 2], 2), ([1, 4], 4), ([5], 5)])
def test_it_ends_at_the_median_of_the_folds_best_epochs(best, last):
    bags, settings = planted_bags(4, 0), TrainingSettings(epochs=6)
    fitted = fit_final(SPEC, bags, best, CLASSES, settings, CPU)
    assert fitted.best_epoch == last
    assert fitted.history["epoch"].tolist() == list(range(1, last + 1))


def test_it_goes_the_way_that_longer_training_goes():
    bags, settings = planted_bags(4, 0), TrainingSettings(epochs=6)
    spec = {"reducer": {"name": "sparselearn", "k": 4}, "aggregator": {"name": "mean"}}
    short = fit_final(spec, bags, [3], CLASSES, settings, CPU)
    long = fit_fold(spec, bags, [], CLASSES, settings, CPU)
    same = long.history.head(3)
    for column in ("train_loss", "tau"):
        assert short.history[column].tolist() == same[column].tolist()
