"""What DTC-WSI promises whatever its switches."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import parts
from helpers.padded_batches import pick
from slidesieve.reduction.dtc.budget import plan_slide
from slidesieve.tokens import TokenBatch

VARIANTS = {
    "default": {},
    "as_written": {"preset": "as_written"},
    "window": {"matching": "window", "window": 5},
    "tome": {"matching": "tome"},
    "random": {"matching": "random", "prune_by": "random"},
    "merged_first": {"order": "merged_first"},
    "all_pairs": {"pair_budget": "all"},
    "per_stage": {"retention_semantics": "per_stage", "per_stage_scorer": True},
    "ratios": {"stage_ratios": [0.3, 0.9]},
    "quantile": {"gate_input": "quantile", "utility_importance": "gate"},
    "gate": {"gate_input": "relative"},
    "mean_gate": {"gate_input": "relative", "gate_normalise": "mean", "gate_feeds_back": True},
    "threshold": {"gate_input": "relative", "prune_mode": "threshold"},
    "hard": {"gate_input": "relative", "train_hard_prune": True},
    "sum": {"merged_importance": "sum", "sparsity": "hoyer"},
    "max": {"gate_input": "relative", "merged_importance": "max", "sparsity": "gate_l1"},
    "mean": {"merged_importance": "mean"},
    "raster": {"position": "raster"},
    "xy": {"position": "xy"},
    "sincos": {"position": "sincos"},
    "serpentine": {"scan": "serpentine"},
    "hilbert": {"scan": "hilbert"},
}
every_variant = pytest.mark.parametrize("switches", VARIANTS.values(), ids=VARIANTS)
both_modes = pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])


def pad(batch, extra):
    """Return a batch with `extra` more padded places, features and coordinates of which are 0."""

    def longer(values):
        shape = (values.shape[0], extra, *values.shape[2:])
        return torch.cat([values, torch.zeros(shape, dtype=values.dtype)], dim=1)

    names = ("features", "mask", "coords", "size")
    return dataclasses.replace(batch, **{name: longer(getattr(batch, name)) for name in names})


def assert_same_bag(reduction, i, alone):
    n_left = int(alone.tokens.lengths[0])
    assert int(reduction.tokens.lengths[i]) == n_left
    for name in ("features", "coords", "size"):
        values = getattr(reduction.tokens, name)[i]
        torch.testing.assert_close(values[:n_left], getattr(alone.tokens, name)[0, :n_left])
        assert not values[n_left:].any()
    n_tokens = alone.source.shape[1]
    assert torch.equal(reduction.source[i, :n_tokens], alone.source[0])
    assert (reduction.source[i, n_tokens:] == -1).all()


@every_variant
@both_modes
def test_padding_and_company_change_nothing(make_batch, switches, training):
    if training and switches.get("matching") == "random":
        pytest.skip("draws anew in training")
    batch = make_batch([9, 1, 40, 33, 2, 3])
    reducer = parts.dtc(16, **switches).train(training)
    together = reducer(pad(batch, 4))
    for i in range(6):
        assert_same_bag(together, i, reducer(pick(batch, i)))


@every_variant
@both_modes
def test_source_size_and_coords_tell_the_same_story(make_batch, switches, training):
    batch = make_batch([31, 8, 57])
    reduction = parts.dtc(16, **switches).train(training)(batch)
    for i in range(3):
        n_tokens, n_left = int(batch.lengths[i]), int(reduction.tokens.lengths[i])
        source = reduction.source[i, :n_tokens]
        counted = torch.bincount(source[source >= 0], minlength=n_left)
        assert torch.equal(counted.float(), reduction.tokens.size[i, :n_left])
        assert (counted > 0).all()
        assert (reduction.source[i, n_tokens:] == -1).all()
        for token in range(n_left):
            members = batch.coords[i, :n_tokens][source == token]
            assert (members == reduction.tokens.coords[i, token]).all(dim=1).any()


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.integers(1, 100),
    st.sampled_from([0.0, 0.3, 0.5, 1.0]),
    st.integers(1, 4),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_counts_follow_the_plan(lengths, percent, fraction, stages, training):
    n_max = max(lengths)
    mask = torch.arange(n_max) < torch.tensor(lengths)[:, None]
    batch = TokenBatch(
        features=torch.randn(len(lengths), n_max, 6) * mask[..., None],
        mask=mask,
        coords=torch.zeros(len(lengths), n_max, 2, dtype=torch.int64),
        size=mask.float(),
    )
    reducer = parts.dtc(
        6,
        retention=percent / 100,
        merge_fraction=fraction,
        stages=stages,
        gate_input="relative",
        train_hard_prune=False,
    )
    reduction, traces = reducer.train(training).trace(batch)
    for i, n_tokens in enumerate(lengths):
        plan = plan_slide(n_tokens, reducer.settings)
        merges = sum(stage.merges for stage in plan)
        left = n_tokens - merges if training else plan[-1].left
        assert int(reduction.tokens.lengths[i]) == left
        for trace, stage in zip(traces, plan, strict=True):
            places = torch.arange(trace.into.shape[1])
            assert int(((trace.into[i] != places) & trace.real[i]).sum()) == stage.merges
        if training:
            assert reduction.tokens.size[i].sum() == n_tokens


@pytest.mark.parametrize("matching", ["aligned", "window", "tome", "random"])
def test_sizes_add_up_to_all_tiles_when_nothing_is_pruned(make_batch, matching):
    batch = make_batch([101, 64, 7])
    reducer = parts.dtc(16, merge_fraction=1.0, retention=0.4, matching=matching).eval()
    reduction = reducer(batch)
    assert torch.equal(reduction.tokens.size.sum(dim=1), batch.lengths.float())
    assert (reduction.source[batch.mask] >= 0).all()


@pytest.mark.parametrize("matching", ["aligned", "window", "tome"])
def test_swapping_the_members_of_a_pair_changes_nothing(make_batch, matching):
    batch = make_batch([2, 2])
    batch = batch.with_features(1 + 0.1 * batch.features)
    swapped = batch.with_features(batch.features.flip(1))
    # Bags of two are left alone, so a third token, far from both, keeps them company.
    far = torch.full((2, 1, 16), 30.0) * torch.tensor([1.0, -1.0] * 8)

    def with_third(two):
        return TokenBatch(
            features=torch.cat([two.features, far], dim=1),
            mask=torch.ones(2, 3, dtype=torch.bool),
            coords=torch.zeros(2, 3, 2, dtype=torch.int64),
            size=torch.ones(2, 3),
        )

    reducer = parts.dtc(
        16, stage_ratios=[0.6], merge_fraction=1.0, matching=matching, similarity_weight=1.0
    ).eval()
    before, after = reducer(with_third(batch)), reducer(with_third(swapped))
    assert before.tokens.size.tolist() == [[2.0, 1.0]] * 2
    torch.testing.assert_close(before.tokens.features, after.tokens.features)


@both_modes
@pytest.mark.parametrize("preset", ["default", "as_written"])
def test_no_compression_without_gate_is_the_plain_aggregator_bit_for_bit(
    make_batch, preset, training
):
    batch = pad(make_batch([31, 8, 57]), 3)
    reducer = parts.dtc(16, preset=preset, retention=1.0, gate_input="none").train(training)
    aggregator = parts.abmil(16, 3, dropout=0.0).train(training)
    reduction = reducer(batch)
    assert torch.equal(reduction.tokens.features, batch.features)
    plain, compressed = aggregator(batch), aggregator(reduction.tokens)
    assert torch.equal(plain.logits, compressed.logits)
    assert torch.equal(plain.attention, compressed.attention)


@pytest.mark.parametrize("matching", ["aligned", "window", "tome"])
def test_training_equals_evaluation_when_nothing_is_pruned(make_batch, matching):
    batch = make_batch([31, 8, 57])
    reducer = parts.dtc(16, merge_fraction=1.0, matching=matching)
    soft, hard = reducer.train()(batch), reducer.eval()(batch)
    assert torch.equal(soft.tokens.features, hard.tokens.features)
    assert torch.equal(soft.source, hard.source)


@pytest.mark.parametrize("gate_at_inference", [True, False])
def test_hard_pruning_in_training_gives_evaluations_tokens(make_batch, gate_at_inference):
    batch = make_batch([31, 8, 57])
    switches = {
        "gate_input": "relative",
        "train_hard_prune": True,
        "gate_at_inference": gate_at_inference,
    }
    reducer = parts.dtc(16, **switches)
    hard, evaluated = reducer.train()(batch), reducer.eval()(batch)
    torch.testing.assert_close(hard.tokens.features, evaluated.tokens.features)
    assert torch.equal(hard.source, evaluated.source)
    # Without pairs to merge the gate alone can pass a gradient to the importance network.
    reducer = parts.dtc(16, merge_fraction=0.0, **switches)
    reducer(batch).tokens.features.square().sum().backward()
    assert any(p.grad.abs().max() > 1e-4 for p in reducer.parameters())


@pytest.mark.parametrize("kind", ["entropy", "gate_l1", "hoyer"])
def test_the_sparsity_term_teaches_the_importance_network(make_batch, kind):
    assert largest_gradient_of_sparsity(make_batch, kind) > 1e-3


def test_the_literal_l1_term_teaches_it_nothing(make_batch):
    assert largest_gradient_of_sparsity(make_batch, "l1_softmax") < 1e-6


def largest_gradient_of_sparsity(make_batch, kind):
    reducer = parts.dtc(16, gate_input="relative", sparsity=kind, sparsity_weight=1.0).train()
    for parameter in reducer.parameters():
        parameter.data *= 3
    loss = reducer(make_batch([31, 8, 57])).losses["dtc_sparsity"]
    loss.backward()
    return max(float(p.grad.abs().max()) for p in reducer.parameters())


def test_sparsity_terms_are_1_per_stage_when_all_tokens_matter_alike(make_batch):
    for kind in ("entropy", "hoyer", "l1_softmax"):
        reducer = parts.dtc(16, sparsity=kind, sparsity_weight=1.0).train()
        for parameter in reducer.parameters():
            torch.nn.init.zeros_(parameter)
        loss = reducer(make_batch([31, 8, 57])).losses["dtc_sparsity"]
        torch.testing.assert_close(loss, torch.tensor(3.0))


def test_the_classification_loss_alone_teaches_the_importance_network(make_batch):
    for switches in ({}, {"gate_input": "relative"}):
        reducer = parts.dtc(16, sparsity="none", **switches).train()
        assert reducer(make_batch([31, 8])).losses == {}
        reducer(make_batch([31, 8])).tokens.features.square().sum().backward()
        assert reducer.networks[0].layers[0].weight.grad.abs().max() > 1e-4


@every_variant
def test_equal_scores_and_equal_tokens_keep_the_plan(make_batch, switches):
    batch = make_batch([21, 6])
    batch = batch.with_features(torch.ones_like(batch.features) * batch.mask[..., None])
    reducer = parts.dtc(16, **switches).eval()
    for parameter in reducer.parameters():
        torch.nn.init.zeros_(parameter)
    reduction, again = reducer(batch), reducer(batch)
    assert reduction.tokens.features.isfinite().all()
    if switches.get("prune_mode") != "threshold":
        expected = [plan_slide(n, reducer.settings)[-1].left for n in (21, 6)]
        assert reduction.tokens.lengths.tolist() == expected
    assert torch.equal(reduction.source, again.source)


def test_of_equal_tokens_the_first_are_merged_and_kept():
    batch = TokenBatch(
        features=torch.ones(1, 8, 4),
        mask=torch.ones(1, 8, dtype=torch.bool),
        coords=torch.arange(16).reshape(1, 8, 2),
        size=torch.ones(1, 8),
    )
    reducer = parts.dtc(4, stage_ratios=[0.5]).eval()
    for parameter in reducer.parameters():
        torch.nn.init.zeros_(parameter)
    assert reducer(batch).source.tolist() == [[0, 0, 1, 1, 2, 3, -1, -1]]


@every_variant
@both_modes
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_finite_and_keeps_its_type(make_batch, switches, training, dtype):
    if switches.get("gate_normalise") == "mean":
        pytest.skip("a gate over its mean has no bound (docs/explanation/dtc-wsi.md, section 3.9)")
    batch = make_batch([200, 33])
    batch = batch.with_features((30 * batch.features).to(dtype))
    for reducer in (parts.dtc(16, **switches), parts.dtc(16, **switches).to(dtype)):
        reduction = reducer.train(training)(batch)
        assert reduction.tokens.features.dtype == dtype
        assert reduction.tokens.features.isfinite().all()
        assert all(loss.isfinite() for loss in reduction.losses.values())


def test_importance_too_small_for_half_precision_still_weighs_a_merge():
    features = torch.zeros(1, 40_000, 2, dtype=torch.float16)
    features[0, ::2, 0], features[0, 1::2, 1] = 1, 1
    mask = torch.ones(1, 40_000, dtype=torch.bool)
    coords = torch.zeros(1, 40_000, 2, dtype=torch.int64)
    batch = TokenBatch(features, mask, coords, mask.float())
    reducer = parts.dtc(2, stage_ratios=[0.5], merge_fraction=1.0, gate_input="none").eval()
    scores = reducer.networks[0](features[0, :2])
    share = torch.sigmoid(scores[0] - scores[1])
    expected = torch.stack([share, 1 - share]).half().expand(20_000, 2)
    torch.testing.assert_close(reducer(batch).tokens.features[0], expected, rtol=1e-3, atol=1e-3)


@every_variant
def test_gradients_are_finite(make_batch, switches):
    reducer = parts.dtc(16, **switches).train()
    reduction = reducer(make_batch([31, 1, 2, 57]))
    (reduction.tokens.features.square().sum() + sum(reduction.losses.values())).backward()
    for parameter in reducer.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()


def test_later_stages_and_aggregator_see_bounded_tokens(make_batch):
    batch = make_batch([500])
    reducer = parts.dtc(16).train()
    with torch.no_grad():
        reducer.networks[0].layers[2].weight *= 30
    assert reducer(batch).tokens.features.abs().max() <= batch.features.abs().max()


def test_the_trace_leads_from_tiles_to_tokens(make_batch):
    batch = make_batch([31, 8])
    reducer = parts.dtc(16, retention=0.4).eval()
    reduction, stages = reducer.trace(batch)
    assert torch.equal(reduction.source, reducer(batch).source)
    for i, tile in itertools.product(range(2), range(31)):
        place = int(torch.arange(31)[tile]) if batch.mask[i, tile] else -1
        for stage in stages:
            assert int(stage.entered[i, tile]) == place
            place = int(stage.went[i, place]) if place >= 0 else -1
        assert int(reduction.source[i, tile]) == place
    for stage in stages:
        torch.testing.assert_close(stage.importance.sum(dim=1), torch.ones(2))
        assert torch.equal(stage.real, stage.kept | stage.pruned)
        assert not (stage.kept & stage.pruned).any()
        for i in range(2):
            groups = stage.into[i][stage.real[i]]
            shared = torch.bincount(groups)[groups] > 1
            assert torch.equal(stage.merged[i][stage.real[i]], shared)


def test_pruning_keeps_what_is_most_important(make_batch):
    batch = make_batch([50])
    reducer = parts.dtc(16, stage_ratios=[0.4], merge_fraction=0.0, gate_input="relative").eval()
    _, (stage,) = reducer.trace(batch)
    kept, dropped = stage.importance[stage.kept], stage.importance[stage.pruned]
    assert len(kept) == 20
    assert kept.min() > dropped.max()


def test_the_quantile_gate_is_open_for_what_is_kept(make_batch):
    batch = make_batch([50])
    reducer = parts.dtc(
        16,
        stage_ratios=[0.4],
        merge_fraction=0.0,
        gate_input="quantile",
        gate_normalise="none",
        train_hard_prune=False,
    )
    soft, hard = reducer.train()(batch), reducer.eval()(batch)
    ratio = soft.tokens.features[0].norm(dim=1) / batch.features[0].norm(dim=1)
    assert torch.equal(ratio >= 0.5 - 1e-6, hard.source[0] >= 0)


def test_random_baselines_do_not_look_at_the_features(make_batch):
    batch = make_batch([50, 20])
    other = batch.with_features(batch.features.flip(-1) * 2)
    reducer = parts.dtc(16, matching="random", prune_by="random").eval()
    assert torch.equal(reducer(batch).source, reducer(other).source)
    reducer.train()
    assert not torch.equal(reducer(batch).source, reducer(batch).source)
