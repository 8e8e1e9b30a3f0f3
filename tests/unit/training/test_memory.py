"""A batch too large for the memory is halved, and the numbers are those of the smaller batch."""

from __future__ import annotations

import logging

import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.aggregators import registry
from slidesieve.aggregators.abmil import ABMIL, ABMILSettings
from slidesieve.errors import SlideSieveError
from slidesieve.models.classifier import SlideClassifier
from slidesieve.models.standardise import NoStandardisation
from slidesieve.parsing.parts import PartEntry
from slidesieve.reduction.identity import NoReduction
from slidesieve.training.loop import fit_fold
from slidesieve.training.memory import TokenBudget
from slidesieve.training.prediction import predict_bags
from slidesieve.training.settings import TrainingSettings

CPU = torch.device("cpu")
LENGTHS = [12, 3, 40, 7, 25, 9, 18, 5]
HELD_TOKENS = 50


class SmallMemory(ABMIL):
    """An aggregator on a device that holds so many tokens, padding included, and no more."""

    def forward(self, batch, labels=None):
        if batch.mask.numel() > HELD_TOKENS:
            raise torch.OutOfMemoryError("CUDA out of memory (in this test)")
        return super().forward(batch, labels)


@pytest.fixture
def small_memory(monkeypatch):
    monkeypatch.setitem(
        registry.AGGREGATORS,
        "small_memory",
        PartEntry(__name__, "SmallMemory", "slidesieve.aggregators.abmil:ABMILSettings"),
    )
    return {"aggregator": {"name": "small_memory", "hidden_dim": 16, "attention_dim": 8}}


def weights_of(spec, budget, bags):
    settings = TrainingSettings(epochs=2, batch_slides=4, token_budget=budget)
    fitted = fit_fold(spec, bags, bags[:3], ("a", "b"), settings, CPU)
    return fitted.model.state_dict(), fitted.history


def test_training_goes_on_with_the_largest_halved_budget_that_fits(small_memory, caplog):
    bags = random_bags(LENGTHS, n_classes=2)
    with caplog.at_level(logging.WARNING):
        halved, history = weights_of(small_memory, 200, bags)
    # Steps hold 4 slides, at most 4 × 40 tokens with padding: 160 -> 80 -> 40 or 50, no further.
    assert [record.args for record in caplog.records][:2] == [(80,), (40,)]
    assert "going on with at most 40 tokens" in caplog.text
    asked, asked_history = weights_of(small_memory, 40, bags)
    assert history.equals(asked_history)
    for name, weights in asked.items():
        assert torch.equal(halved[name], weights), name


def test_a_cpu_gets_what_stays_in_its_caches_and_a_gpu_what_the_config_says():
    assert TokenBudget(65_536, CPU).tokens == 4096
    assert TokenBudget(100, CPU).tokens == 100
    assert TokenBudget(65_536, torch.device("cuda")).tokens == 65_536


def test_the_lower_budget_stays(small_memory):
    tried = []

    def work(tokens):
        tried.append(tokens)
        if tokens > 20:
            raise torch.OutOfMemoryError
        return tokens

    budget = TokenBudget(100, CPU)
    bags = random_bags([5] * 20)
    assert [budget.run(bags, work), budget.run(bags, work)] == [12, 12]
    assert tried == [100, 50, 25, 12, 12]


def test_every_attempt_draws_the_same_numbers():
    drawn = []

    def work(tokens):
        drawn.append(torch.rand(1).item())
        if tokens > 50:
            raise torch.OutOfMemoryError

    TokenBudget(100, CPU).run(random_bags([5] * 20), work)
    assert len(drawn) == 2
    assert drawn[0] == drawn[1]


def test_predictions_do_not_depend_on_the_memory(small_memory):
    bags = random_bags(LENGTHS)
    torch.manual_seed(0)
    model = SmallMemory(8, 2, ABMILSettings(hidden_dim=16, attention_dim=8))
    pair = SlideClassifier(NoStandardisation(), NoReduction(8), model)
    cut, asked = (predict_bags(pair, bags, TokenBudget(n, CPU), CPU) for n in (10_000, 40))
    torch.testing.assert_close(cut.logits, asked.logits)
    assert cut.tokens_kept.tolist() == LENGTHS


def test_a_slide_too_large_even_alone_is_named(small_memory):
    bags = random_bags([10, HELD_TOKENS + 1, 4])
    with pytest.raises(SlideSieveError, match=f"slide s1, {HELD_TOKENS + 1} tokens: .*even alone"):
        weights_of(small_memory, 10_000, bags)
