"""SparseLearn: what training sees, what evaluation keeps, and how one leads to the other."""

from __future__ import annotations

import itertools
import math
from typing import get_args, get_type_hints

import pytest
import torch
from torch.nn import functional

from helpers import parts
from helpers.bag_factory import random_bags
from slidesieve.bags import collate
from slidesieve.errors import ConfigError
from slidesieve.reduction import curriculum
from slidesieve.reduction.registry import build_reducer
from slidesieve.reduction.sparselearn.gate import GATES
from slidesieve.reduction.sparselearn.mass import overlap, topk_mass
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.reduction.sparselearn.schedule import budget, temperature
from slidesieve.reduction.sparselearn.scorer import standardise_scores
from slidesieve.reduction.sparselearn.settings import SparseLearnSettings
from slidesieve.tokens import TokenBatch

DIM = 8
LENGTHS = [40, 3, 25]
AT_ONCE = {"budget_start": 0.0, "budget_end": 0.0}
VARIANTS = [
    {},
    {"scorer": "transformer", "scorer_dim": 16, "heads": 2},
    {"encoder": "transformer", "heads": 3, "denoiser": "global"},
    {"encoder": "longnet", "heads": 2, "score_norm": "none", "denoiser": "none"},
]


def selector(**overrides) -> SparseLearn:
    torch.manual_seed(0)
    plain = {"k": 5, "scorer_dim": 16, "guided_share": 0.0}
    return parts.sparselearn(DIM, **{**plain, **overrides})


def batch(lengths: list[int] = LENGTHS) -> TokenBatch:
    return collate(random_bags(lengths, DIM))


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
def test_evaluation_keeps_the_k_best_scores_in_order_and_in_place(overrides):
    reducer = selector(**overrides).eval()
    tokens = batch()
    with torch.no_grad():
        scored, scores = reducer.score(tokens)
        reduction = reducer(tokens)
    for row, n in enumerate(LENGTHS):
        expected = sorted(scores[row, :n].topk(min(5, n)).indices.tolist())
        assert (reduction.source[row] >= 0).nonzero().squeeze(1).tolist() == expected
        kept = reduction.tokens
        assert int(kept.lengths[row]) == len(expected)
        assert torch.equal(kept.coords[row, : len(expected)], tokens.coords[row, expected])
        assert torch.equal(kept.features[row, : len(expected)], scored.features[row, expected])


@pytest.mark.parametrize("k", [1, 24, 25, 39, 40, 1000])
def test_k_may_be_anything_from_one_on(k):
    reducer = selector(k=k)
    assert reducer.eval()(batch()).tokens.lengths.tolist() == [min(k, n) for n in LENGTHS]
    assert reducer.train()(batch()).tokens.features.isfinite().all()


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
def test_padding_and_neighbours_change_nothing_in_evaluation(overrides):
    reducer = selector(**overrides).eval()
    bags = random_bags(LENGTHS, DIM)
    with torch.no_grad():
        together = reducer(collate([*bags, *random_bags([70], DIM, seed=5)]))
        for row, bag in enumerate(bags):
            alone = reducer(collate([bag]))
            n, n_out = len(bag.features), int(alone.tokens.lengths[0])
            assert torch.equal(together.source[row, :n], alone.source[0])
            assert (together.source[row, n:] == -1).all()
            torch.testing.assert_close(
                together.tokens.features[row, :n_out],
                alone.tokens.features[0],
                atol=1e-5,
                rtol=1e-5,
            )


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
def test_evaluation_needs_no_denoiser(overrides):
    reducer = selector(**overrides, denoiser_zero_init=False).eval()
    with torch.no_grad():
        before = reducer(batch())
        del reducer.denoiser
        after = reducer(batch())
    assert torch.equal(before.tokens.features, after.tokens.features)
    assert torch.equal(before.source, after.source)


def test_training_hands_on_all_tokens_and_evaluation_is_not_random():
    reducer = selector(hard_mix_prob=0.0)
    reduction = reducer(batch())
    assert torch.equal(reduction.tokens.mask, batch().mask)
    assert torch.equal(reduction.source[1], torch.tensor([0, 1, 2, *[-1] * 37]))
    assert not reduction.tokens.features[~batch().mask].any()
    assert not torch.equal(reduction.tokens.features, reducer(batch()).tokens.features)
    reducer.eval()
    assert torch.equal(reducer(batch()).tokens.features, reducer(batch()).tokens.features)


def test_seeds_reproduce_training_passes():
    reducer = selector()
    reducer.schedule(99, 100)
    passes = []
    for _ in range(2):
        torch.manual_seed(3)
        passes.append([reducer(batch()).tokens.features for _ in range(5)])
    for first, second in zip(*passes, strict=True):
        assert torch.equal(first, second)


@pytest.mark.parametrize("operator", ["lapsum", "sigmoid", "sinkhorn", "gumbel_ste"])
@pytest.mark.parametrize("gate", sorted(GATES))
def test_the_gate_alone_teaches_the_scorer(operator, gate):
    """Tokens with a large first feature carry the target; nothing but the gate links to scores."""
    reducer = selector(
        operator=operator, gate=gate, denoiser="none", hard_mix_prob=0.0, tau_start=0.5
    )
    optimiser = torch.optim.Adam(reducer.scorer.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(1)

    def made(n_bags: int) -> tuple[TokenBatch, torch.Tensor]:
        tokens = collate(random_bags([40] * n_bags, DIM))
        features = torch.randn(n_bags, 40, DIM, generator=generator)
        marked = torch.rand(n_bags, 40, generator=generator).argsort(dim=1) < 5
        features[marked] += torch.tensor([4.0, *[0.0] * (DIM - 1)])
        return tokens.with_features(features), marked

    tokens, marked = made(8)
    recall_before = kept_share(reducer, tokens, marked)
    reducer.train()
    for _ in range(100):
        tokens, marked = made(8)
        gated = reducer(tokens).tokens.features
        loss = -gated[..., 0].mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tokens, marked = made(8)
    assert recall_before < 0.6
    assert kept_share(reducer, tokens, marked) > 0.8


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
def test_only_the_weights_of_the_gate_carry_gradient_to_the_scorer(overrides):
    reducer = selector(**overrides)
    tokens, scores = reducer.score(batch())
    through_gate = reducer.soft(tokens, scores).tokens.features
    past_gate = reducer.soft(tokens, scores.detach()).tokens.features
    parameters = list(reducer.scorer.parameters())
    gradients = torch.autograd.grad(through_gate.square().sum(), parameters, retain_graph=True)
    assert all(gradient.abs().max() > 0 for gradient in gradients[:-1])
    if past_gate.requires_grad:
        gradients = torch.autograd.grad(past_gate.square().sum(), parameters, allow_unused=True)
        assert set(gradients) == {None}


@pytest.mark.parametrize("overrides", VARIANTS, ids=str)
@pytest.mark.parametrize("gate", ["scale", "hard_st"])
def test_padding_changes_nothing_on_the_soft_path(gate, overrides):
    reducer = selector(gate=gate, **overrides)
    bags = random_bags(LENGTHS, DIM)
    together = reducer.soft(*reducer.score(collate([*bags, *random_bags([70], DIM, seed=5)])))
    for row, bag in enumerate(bags):
        alone = reducer.soft(*reducer.score(collate([bag])))
        n = len(bag.features)
        found = together.tokens.features[row]
        torch.testing.assert_close(found[:n], alone.tokens.features[0], atol=1e-5, rtol=1e-5)
        assert not found[n:].any()


def kept_share(reducer: SparseLearn, tokens: TokenBatch, marked: torch.Tensor) -> float:
    with torch.no_grad():
        kept = reducer.eval()(tokens).source >= 0
    return float(kept[marked].float().mean())


def test_hard_passes_leave_the_scorer_without_gradient_and_soft_ones_do_not():
    for prob, has_gradient in ((1.0, False), (0.0, True)):
        reducer = selector(hard_mix_prob=prob, hard_mix_start=0.0)
        reducer.schedule(9, 10)
        features = reducer(batch()).tokens.features
        assert features.shape[1] == (40 if has_gradient else 5)
        assert features.requires_grad == has_gradient


def test_hard_passes_begin_when_they_are_told_to():
    reducer = selector(**AT_ONCE, hard_mix_prob=1.0, hard_mix_start=0.5)
    widths = []
    for step in (0, 4, 5, 9):
        reducer.schedule(step, 10)
        widths.append(reducer(batch()).tokens.features.shape[1])
    assert widths == [40, 40, 5, 5]


def test_drawn_hard_passes_change_and_prefer_high_scores():
    drawn = {"hard_mix_prob": 1.0, "hard_mix_drawn": True}
    reducer = selector(**AT_ONCE, **drawn, tau_start=1.0, tau_end=1.0)
    reducer.schedule(0, 10)
    with torch.no_grad():
        _, scores = reducer.score(batch())
        sources = [reducer(batch()).source for _ in range(300)]
    kept = torch.stack([source >= 0 for source in sources]).float()
    assert all(((source >= 0).sum(dim=1) == torch.tensor([5, 3, 5])).all() for source in sources)
    share = kept.mean(dim=0)
    assert share[0].max() < 1
    order = scores[0].argsort()
    assert share[0, order[-10:]].mean() > 2 * share[0, order[:10]].mean()


def test_hard_passes_that_are_not_drawn_see_what_evaluation_sees():
    reducer = selector(**AT_ONCE, hard_mix_prob=1.0, hard_mix_drawn=False)
    reducer.schedule(0, 10)
    with torch.no_grad():
        assert torch.equal(reducer(batch()).source, reducer.eval()(batch()).source)


def test_denoised_hard_path_is_what_the_denoiser_makes_of_the_hard_path():
    reducer = selector(denoiser_zero_init=False).eval()
    with torch.no_grad():
        tokens, scores = reducer.score(batch())
        kept = reducer.hard(tokens, scores)
        denoised = reducer.hard(tokens, scores, denoise=True)
        expected = reducer.denoiser(kept.tokens.features, kept.tokens.mask)
    real = kept.tokens.mask
    assert torch.equal(denoised.tokens.features[real], expected[real])
    assert not torch.allclose(denoised.tokens.features[real], kept.tokens.features[real])


def test_temperature_falls_on_a_cosine_and_stays():
    chosen = SparseLearnSettings(tau_start=2.0, tau_end=0.1, anneal_share=0.5)
    assert temperature(chosen, 0, 100) == 2.0
    assert temperature(chosen, 25, 100) == pytest.approx(1.05)
    assert {temperature(chosen, step, 100) for step in (50, 51, 99)} == {0.1}
    falling = [temperature(chosen, step, 100) for step in range(51)]
    assert all(a > b for a, b in itertools.pairwise(falling))
    assert temperature(SparseLearnSettings(anneal_share=0.0, tau_end=0.1), 0, 100) == 0.1


def test_temperature_is_saved_with_the_weights():
    reducer = selector(tau_start=2.0, tau_end=0.1, anneal_share=0.5)
    reducer.schedule(90, 100)
    other = selector(tau_start=2.0, tau_end=0.1, anneal_share=0.5)
    other.load_state_dict(reducer.state_dict())
    assert float(other.tau) == pytest.approx(0.1)


def test_overlap_is_the_share_of_the_budget_that_the_hard_path_keeps():
    reducer = selector(hard_mix_prob=0.0, tau_start=100.0)
    reducer(batch())
    # All but equal shares: 5 of 40 and 5 of 25 tokens; the bag of 3 has no choice to make.
    expected = (5 / 40 + 5 / 25) / 2
    assert reducer.diagnostics() == {"tau": 100.0, "overlap": pytest.approx(expected, rel=0.1)}
    reducer.tau.fill_(1e-6)
    reducer(batch())
    assert reducer.diagnostics()["overlap"] == pytest.approx(1.0, abs=1e-3)
    reducer(batch([3, 2]))
    assert math.isnan(reducer.diagnostics()["overlap"])


def test_diagnostics_are_of_the_soft_training_passes_since_they_were_last_asked_for():
    reducer = selector(hard_mix_prob=0.0)
    reducer(batch())
    first = reducer.diagnostics()["overlap"]
    assert 0 < first < 1
    assert math.isnan(reducer.diagnostics()["overlap"])
    reducer.eval()(batch())
    reducer.soft(*reducer.score(batch()))
    assert math.isnan(reducer.diagnostics()["overlap"])


def test_overlap_and_mass_part_where_weights_do_not_follow_the_scores():
    alpha = torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.5, 0.9, 0.4, 0.2], [1.0, 1.0, 0.0, 0.0]])
    kept = torch.tensor([[True, True, False, False]] * 3)
    mask = torch.tensor([[True] * 4, [True] * 4, [True, True, False, False]])
    torch.testing.assert_close(overlap(alpha, kept, mask, 2), torch.tensor([0.5, 0.7]))
    torch.testing.assert_close(topk_mass(alpha, mask, 2), torch.tensor([1.0, 0.7]))


def test_standardised_scores_use_real_tokens_only():
    scores = torch.tensor([[1.0, 3.0, 99.0], [4.0, 4.0, 4.0], [7.0, 0.0, 0.0]], requires_grad=True)
    mask = torch.tensor([[True, True, False], [True, True, True], [True, False, False]])
    found = standardise_scores(scores, mask)
    expected = torch.tensor([[-1.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    found.square().sum().backward()
    assert scores.grad.isfinite().all()


def test_vp_gate_preserves_variance_and_lets_the_signal_through_by_its_root():
    torch.manual_seed(0)
    x = torch.randn(1, 4, 200_000)
    alpha = torch.tensor([[0.0, 0.3, 0.9, 1.0]])
    gated = GATES["vp"](x, alpha, torch.tensor([2]))
    torch.testing.assert_close(gated.var(dim=-1), torch.ones(1, 4), atol=0.02, rtol=0)
    torch.testing.assert_close((gated * x).mean(dim=-1), alpha.sqrt(), atol=0.02, rtol=0)
    assert torch.equal(gated[0, 3], x[0, 3])


@pytest.mark.parametrize("gate", sorted(GATES))
def test_gates_have_finite_gradients_at_both_ends(gate):
    alpha = torch.tensor([[0.0, 1e-30, 0.5, 1.0]], requires_grad=True)
    GATES[gate](torch.randn(1, 4, 6), alpha, torch.tensor([2])).sum().backward()
    assert alpha.grad.isfinite().all()


def test_straight_through_gate_is_hard_forward_and_soft_backward():
    x = torch.randn(1, 4, 3)
    alpha = torch.tensor([[0.2, 0.9, 0.3, 0.6]], requires_grad=True)
    gated = GATES["hard_st"](x, alpha, torch.tensor([2]))
    torch.testing.assert_close(gated, x * torch.tensor([0.0, 1.0, 0.0, 1.0])[:, None])
    gated.sum().backward()
    torch.testing.assert_close(alpha.grad, x.sum(dim=-1))


def test_layer_normalises_each_token_by_itself():
    tokens = batch()
    with torch.no_grad():
        reducer = selector(k=1000, token_norm="layer").eval()
        reduction = reducer(tokens.with_features(tokens.features * 50))
    expected = functional.layer_norm(tokens.features * 50, (DIM,))
    assert torch.equal(reduction.tokens.features[0], expected[0])


def test_scale_brings_all_training_tokens_to_unit_variance_by_one_number():
    """A layer norm would make the commonest token as long as the one that stands out."""
    reducer = selector(k=1000)
    training = [collate([bag]) for bag in random_bags([300, 20], DIM)]
    training = [bag.with_features(bag.features * 50) for bag in training]
    reducer.prepare(training)
    with torch.no_grad():
        kept = [reducer.eval()(bag).tokens.features[0] for bag in training]
    assert float(torch.cat(kept).square().mean()) == pytest.approx(1, abs=1e-5)
    before = torch.cat([bag.features[0] for bag in training])
    torch.testing.assert_close(torch.cat(kept) / before, torch.full_like(before, 1 / reducer.rms))
    again = selector(k=1000)
    again.load_state_dict(reducer.state_dict())
    assert again.rms == reducer.rms


def test_settings_name_the_gates_there_are():
    assert set(get_args(get_type_hints(SparseLearnSettings)["gate"])) == set(GATES)


def test_presets_and_overrides_reach_the_reducer():
    spec = {"name": "sparselearn", "preset": "as_written", "k": 7, "scorer_dim": 16}
    reducer = build_reducer(spec, DIM)
    expected = SparseLearnSettings(preset="as_written", k=7, scorer_dim=16)
    assert reducer.settings == expected
    assert (expected.tau_start, expected.hard_mix_prob) == (2.0, 0.0)
    assert build_reducer("sparselearn", DIM).settings == SparseLearnSettings()


def test_every_setting_can_be_given_in_a_config():
    for name, value in vars(SparseLearnSettings(preset="as_written")).items():
        assert getattr(parts.sparselearn(DIM, **{name: value}).settings, name) == value


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"preset": "fast"}, "allowed: default, as_written"),
        ({"gate": "noise", "k": 0}, "k: 0 must be.*\n.*gate: 'noise' is not allowed"),
        ({"tau_end": 0.0}, "tau_end: 0.0 must be a number above 0"),
        ({"hard_mix_prob": 1.5}, "hard_mix_prob: 1.5 must be a number from 0 to 1"),
    ],
)
def test_mistakes_are_all_named(overrides, message):
    with pytest.raises(ConfigError, match=message):
        parts.sparselearn(DIM, **overrides)


def test_the_budget_falls_from_the_whole_bag_to_k_and_stays_there():
    reducer = selector(hard_mix_prob=1.0, budget_start=0.2, budget_end=0.6)
    lengths = []
    for step in range(11):
        reducer.schedule(step, 10)
        lengths.append(reducer(batch()).tokens.lengths.tolist())
    assert lengths[:3] == [LENGTHS] * 3
    # Half-way down, √(40 · 5) and √(25 · 5); the bag of 3 has nothing to lose.
    assert lengths[4] == [14, 3, 11]
    assert lengths[6:] == [[5, 3, 5]] * 5
    assert all(later <= sooner for sooner, later in itertools.pairwise(lengths))
    reducer.schedule(0, 10)
    assert reducer.eval()(batch()).tokens.lengths.tolist() == [5, 3, 5]


def test_while_the_budget_is_the_whole_bag_the_soft_path_is_clean():
    reducer = selector(hard_mix_prob=0.0, budget_start=0.5)
    reducer.schedule(0, 10)
    tokens = batch()
    assert torch.equal(reducer(tokens).tokens.features, reducer.score(tokens)[0].features)


def test_soft_passes_share_the_budget_of_the_step():
    progress = curriculum.progress(0, 10, 5)
    assert budget(torch.tensor(LENGTHS), 5, progress).tolist() == [14, 3, 11]


def test_as_written_has_its_budget_from_the_start():
    reducer = selector(preset="as_written", scorer_dim=8, heads=2, hard_mix_prob=1.0)
    reducer.schedule(0, 100)
    assert reducer(batch()).tokens.lengths.tolist() == [5, 3, 5]
