"""MHIM-MIL: its masks as sets, its moving average, and what is left of it in use."""

from __future__ import annotations

import math

import pytest
import torch

from helpers.bag_factory import random_bags
from helpers.parts import mhim
from slidesieve.bags import collate
from slidesieve.training.fitted import load_model, save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.settings import TrainingSettings

SMALL = {"hidden_dim": 16, "attention_dim": 8}


def masks(n_tokens: int, **shares):
    """Return attention, and which of a bag's tokens the student sees."""
    torch.manual_seed(1)
    none = {"mask_random": 0.0, "mask_low": 0.0, "mask_high": 0.0}
    model = mhim(8, 2, **SMALL, **{**none, **shares})
    attention = torch.rand(1, n_tokens)
    return attention, model.shown(attention, torch.ones(1, n_tokens, dtype=torch.bool))[0]


@pytest.mark.parametrize("n_tokens", [10, 47, 100])
def test_high_and_low_masks_hide_the_ends_of_the_teachers_order(n_tokens):
    attention, shown = masks(n_tokens, mask_high=0.05, mask_low=0.2)
    order = attention[0].argsort(descending=True)
    high, low = math.ceil(0.05 * n_tokens), math.ceil(round(0.2 * n_tokens, 9))
    hidden = {*order[:high].tolist(), *order[n_tokens - low :].tolist()}
    assert set((~shown).nonzero().flatten().tolist()) == hidden


def test_random_masks_hide_their_share_and_overlap_with_the_others():
    _, shown = masks(1000, mask_random=0.7)
    assert int(shown.sum()) == 300
    _, shown = masks(10_000, mask_random=0.7, mask_low=0.2, mask_high=0.02)
    assert int(shown.sum()) == pytest.approx(10_000 * 0.3 * 0.78, rel=0.05)


@pytest.mark.parametrize("n_tokens", [1, 2, 3, 7])
def test_some_tokens_are_always_shown(n_tokens):
    _, shown = masks(n_tokens, mask_random=1.0, mask_low=0.9, mask_high=0.9)
    assert shown.any()


def test_padding_is_never_shown():
    torch.manual_seed(0)
    mask = torch.arange(20) < torch.tensor([[20], [3]])
    shown = mhim(8, 2, **SMALL).shown(torch.rand(2, 20), mask)
    assert not (shown & ~mask).any()
    assert shown.any(dim=1).all()


def test_the_teacher_is_a_moving_average():
    torch.manual_seed(0)
    model = mhim(8, 2, **SMALL, momentum=0.9)
    model._momentum = 0.9
    begun = [p.clone() for p in model.momentum_teacher.parameters()]
    with torch.no_grad():
        for parameter in model.pool.parameters():
            parameter.add_(1.0)
    for _ in range(5):
        model.after_step()
    for start, now in zip(begun, model.momentum_teacher.parameters(), strict=True):
        torch.testing.assert_close(now, 0.9**5 * start + (1 - 0.9**5) * (start + 1.0))


def test_momentum_and_the_high_mask_follow_a_cosine():
    model = mhim(8, 2, **SMALL)
    for step, left in ((0, 1.0), (50, 0.5), (100, 0.0)):
        model.schedule(step, 100)
        assert model._high == pytest.approx(0.02 * left)
        assert model._momentum == pytest.approx(1 - 1e-4 * left)


def test_without_masks_and_consistency_it_is_its_plain_pool():
    torch.manual_seed(0)
    nothing = {"mask_random": 0.0, "mask_low": 0.0, "mask_high": 0.0, "consistency_weight": 0.0}
    model = mhim(8, 2, **SMALL, **nothing, dropout=0.0).train()
    batch = collate(random_bags([9, 4]))
    trained, used = model(batch, torch.tensor([0, 1])), model(batch)
    assert torch.equal(trained.logits, used.logits)
    assert float(trained.losses["consistency"]) == 0.0


def test_consistency_is_the_cross_entropy_of_pooled_features_and_teaches_the_student_alone():
    torch.manual_seed(0)
    model = mhim(8, 2, **SMALL, dropout=0.0).train()
    model.learn_from(_plain_model())
    batch = collate(random_bags([30]))
    output = model(batch, torch.tensor([0]))
    teacher = model.momentum_teacher(batch.features[batch.mask], batch.mask)[1]
    wanted = (teacher / 0.1).softmax(dim=1)
    expected = -0.5 * (wanted * output.embedding.log_softmax(dim=1)).sum()
    torch.testing.assert_close(output.losses["consistency"], expected)
    output.losses["consistency"].backward()
    assert all(p.grad is None for p in model.momentum_teacher.parameters())


def test_the_student_takes_over_the_embedding_alone_and_the_teacher_all():
    model, fitted = mhim(8, 2, **SMALL), _plain_model()
    content = model.pool.content[0].weight.clone()
    model.learn_from(fitted)
    theirs = fitted.aggregator.pool
    assert torch.equal(model.pool.embed[0].weight, theirs.embed[0].weight)
    assert torch.equal(model.pool.content[0].weight, content)
    assert torch.equal(model.momentum_teacher.content[0].weight, theirs.content[0].weight)


@pytest.mark.parametrize("reducer", ["none", {"name": "random", "k": 6}])
def test_it_is_fitted_with_its_teacher_and_saved_without_it(reducer, tmp_path):
    bags = random_bags([20, 12, 16, 9])
    spec = {"reducer": reducer, "aggregator": {"name": "mhim", **SMALL}}
    settings = TrainingSettings(epochs=2, min_epochs=2)
    fitted = fit_fold(spec, bags, [], ("a", "b"), settings, torch.device("cpu"))
    save_model(tmp_path, fitted)
    names = load_model(tmp_path).model.state_dict()
    assert not any("momentum_teacher" in name for name in names)


def _plain_model():
    bags = random_bags([20, 12])
    spec = {"aggregator": {"name": "mhim", **SMALL, "masking": False}}
    settings = TrainingSettings(epochs=1, min_epochs=1)
    return fit_fold(spec, bags, [], ("a", "b"), settings, torch.device("cpu")).model
