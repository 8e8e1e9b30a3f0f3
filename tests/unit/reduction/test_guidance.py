"""Scores that learn from the attention paid to tokens nobody selected."""

from __future__ import annotations

import pytest
import torch

from helpers.bag_factory import random_bags
from slidesieve.bags import collate
from slidesieve.models.classifier import build_model
from slidesieve.reduction import curriculum
from slidesieve.reduction.guidance import guidance_loss, guided_pass

SELECTORS = {
    "dtc": {"name": "dtc", "spread_tokens": 4},
    "sparselearn": {"name": "sparselearn", "k": 4},
}
every_selector = pytest.mark.parametrize("reducer", SELECTORS.values(), ids=SELECTORS)


def batch():
    return collate(random_bags([20, 6, 3], 8, seed=1))


def in_training(reducer, **switches):
    torch.manual_seed(0)
    model = build_model({"reducer": reducer | switches, "aggregator": "abmil"}, 8, 2).train()
    model.schedule(0, 10)
    return model


def test_the_loss_is_least_where_scores_say_what_attention_says():
    attention = torch.tensor([[0.7, 0.2, 0.1]])
    mask = torch.ones(1, 3, dtype=torch.bool)
    least = guidance_loss(attention.log() + 5, attention, mask)
    torch.testing.assert_close(least, -(attention * attention.log()).sum())
    for other in ([[0.0, 0.0, 0.0]], [[1.0, 2.0, 3.0]], [[5.0, 0.0, 0.0]]):
        assert guidance_loss(torch.tensor(other), attention, mask) > least


def test_padding_changes_no_loss_and_gets_no_gradient():
    scores = torch.randn(2, 5, requires_grad=True)
    mask = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    attention = (torch.rand(2, 5) * mask).requires_grad_()
    loss = guidance_loss(scores, attention, mask)
    short = guidance_loss(scores[1:, :3], attention[1:, :3], mask[1:, :3])
    torch.testing.assert_close(
        loss, (guidance_loss(scores[:1], attention[:1], mask[:1]) + short) / 2
    )
    loss.backward()
    assert attention.grad is None
    assert not scores.grad[1, 3:].any()
    assert scores.grad[mask].abs().min() > 0


def test_a_guided_pass_hands_on_the_whole_bag_or_a_cover_of_it():
    tokens, scores = batch(), torch.randn(3, 20)
    whole = guided_pass(tokens, scores, scores, spread_share=0.0, spread=4)
    assert whole.tokens is tokens
    assert torch.equal(whole.pupil, scores)
    cover = guided_pass(tokens, scores, scores, spread_share=1.0, spread=4)
    kept = cover.source >= 0
    assert not (kept & ~tokens.mask).any()
    assert (kept.sum(dim=1) <= 4).all()
    for bag in range(3):
        best = scores[bag].masked_fill(~tokens.mask[bag], -torch.inf).topk(2).indices
        assert kept[bag, best].all()
        n_kept = int(kept[bag].sum())
        assert torch.equal(cover.pupil[bag, :n_kept], scores[bag, kept[bag]])


@every_selector
def test_training_begins_with_guided_passes_and_evaluation_has_none(reducer):
    model = in_training(reducer)
    output, reduction = model(batch())
    assert reduction.pupil is not None
    assert output.losses["guidance"] > 0
    output, reduction = model.eval()(batch())
    assert reduction.pupil is None
    assert output.losses == {}


@every_selector
@pytest.mark.parametrize("spread_share", [0.0, 1.0])
def test_guidance_reaches_the_scorer_and_not_the_attention(reducer, spread_share):
    model = in_training(reducer, spread_share=spread_share)
    model(batch())[0].losses["guidance"].backward()
    reached = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert reached
    assert all(name.startswith("reducer.") for name in reached)


@every_selector
def test_what_is_handed_on_under_guidance_is_said_of_the_tokens_that_came(reducer):
    tokens = batch()
    reduction = in_training(reducer, spread_share=1.0)(tokens)[1]
    for bag in range(3):
        source = reduction.source[bag]
        came = (source >= 0).nonzero().squeeze(1)
        places = tokens.coords[bag, came]
        assert torch.equal(reduction.tokens.coords[bag, source[came]], places)


@every_selector
def test_without_guided_passes_none_is_drawn(reducer):
    model = in_training(reducer, guided_share=0.0)
    assert model(batch())[1].pupil is None


def test_the_better_half_of_a_cover_of_sparselearn_is_drawn_by_its_scores():
    """No token is in every cover, the best one neither, and each is in some."""
    model = in_training(SELECTORS["sparselearn"] | {"k": 2}, spread_share=1.0)
    tokens = batch()
    scores = model.reducer.score(model.standardise(tokens))[1]
    held = torch.zeros(20)
    for seed in range(200):
        torch.manual_seed(seed)
        held += (model(tokens)[1].source[0] >= 0).float()
    assert held[scores[0].argmax()] < 200
    assert (held > 0).all()


def test_dtc_retention_falls_over_training():
    reducer = in_training(SELECTORS["dtc"], guided_share=0.0).reducer
    tokens = collate(random_bags([100], 8, seed=1))
    lengths = []
    for step in range(10):
        reducer.schedule(step, 10)
        lengths.append(int(reducer(tokens).tokens.lengths[0]))
    assert lengths[:2] == [100, 100]
    assert lengths[4:] == [40] * 6
    assert 40 < lengths[3] < lengths[2] < 100


def test_progress_is_0_until_the_start_and_1_from_the_end():
    assert [curriculum.progress(2, 4, step) for step in range(6)] == [0, 0, 0, 0.5, 1, 1]
    assert curriculum.progress(0, 0, 0) == 1
