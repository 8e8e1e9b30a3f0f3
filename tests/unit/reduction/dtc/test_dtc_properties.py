"""What DTC-WSI promises of any bag and any setting of its switches."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import parts
from helpers.dtc_choices import CHOICES
from helpers.padded_batches import pick
from slidesieve.aggregators.registry import AGGREGATORS, build_aggregator
from slidesieve.reduction.dtc.budget import plan_slide
from slidesieve.tokens import TokenBatch

DIM = 6
WITHOUT_GATE = {
    name: tuple(value for value in values if value not in ("threshold", "gate", "gate_l1"))
    for name, values in CHOICES.items()
    if name != "gate_input"
}
lengths = st.lists(st.integers(1, 45), min_size=1, max_size=4)
seeds = st.integers(0, 2**31)
any_switches = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in CHOICES.items() if name != "gate_input"}
    | {
        "gate_input": st.sampled_from(["relative", "quantile", "raw"]),
        "retention": st.sampled_from([0.05, 0.3, 0.4, 0.7, 1.0]),
        "merge_fraction": st.sampled_from([0.0, 0.3, 0.5, 1.0]),
        "window": st.integers(1, 6),
        "per_stage_scorer": st.booleans(),
        "gate_feeds_back": st.booleans(),
        "gate_at_inference": st.booleans(),
        "train_hard_prune": st.booleans(),
    }
)
without_gate = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in WITHOUT_GATE.items()}
)
often = settings(max_examples=60, deadline=None)


def bags(n_tokens, seed, extra=0):
    """Return bags of random tokens with `extra` more places than the longest needs."""
    generator = torch.Generator().manual_seed(seed)
    mask = torch.arange(max(n_tokens) + extra) < torch.tensor(n_tokens)[:, None]
    places = torch.randint(0, 40, (*mask.shape, 2), generator=generator) * 256
    features = torch.randn(*mask.shape, DIM, generator=generator)
    there = mask[..., None]
    pitch = torch.full((len(n_tokens),), 256.0, dtype=torch.float64)
    return TokenBatch(features * there, mask, places * there, mask.float(), pitch)


@given(lengths, seeds, any_switches, st.integers(0, 3))
@often
def test_padding_and_company_change_nothing(n_tokens, seed, switches, extra):
    torch.manual_seed(seed)
    reducer = parts.dtc(DIM, **switches).eval()
    batch = bags(n_tokens, seed, extra)
    with torch.no_grad():
        together = reducer(batch)
        for i, length in enumerate(n_tokens):
            one = reducer(pick(batch, i))
            n_left = int(one.tokens.lengths[0])
            assert int(together.tokens.lengths[i]) == n_left
            assert torch.equal(together.source[i, :length], one.source[0])
            torch.testing.assert_close(
                together.tokens.features[i, :n_left], one.tokens.features[0], atol=1e-5, rtol=1e-4
            )
            assert not together.tokens.features[i, n_left:].any()


@given(
    lengths,
    seeds,
    any_switches,
    st.lists(st.sampled_from([0.2, 0.35, 0.5, 0.74, 0.9, 1.0]), min_size=1, max_size=4),
)
@often
def test_every_schedule_leaves_exactly_what_is_planned(n_tokens, seed, switches, ratios):
    reducer = parts.dtc(DIM, **switches | {"stage_ratios": ratios, "prune_mode": "topn"}).eval()
    with torch.no_grad():
        reduction, traces = reducer.trace(bags(n_tokens, seed))
    for i, length in enumerate(n_tokens):
        plan = plan_slide(length, reducer.settings)
        assert int(reduction.tokens.lengths[i]) == plan[-1].left
        entering = length
        for stage, trace in zip(plan, traces, strict=True):
            assert int(trace.real[i].sum()) == entering
            entering = stage.left
        pruned = (reduction.source[i, :length] < 0).sum()
        assert reduction.tokens.size[i].sum() == length - pruned


@given(
    lengths, seeds, st.sampled_from(CHOICES["matching"]), st.integers(50, 100), st.integers(1, 4)
)
@often
def test_sizes_add_up_to_all_tiles_when_nothing_is_pruned(n_tokens, seed, matching, left, stages):
    # With odd numbers of tokens a stage of ½ merges all its pairs and still has none to prune.
    reducer = parts.dtc(
        DIM, matching=matching, merge_fraction=1.0, stage_ratios=[left / 100] * stages
    )
    reduction = reducer.eval()(bags(n_tokens, seed))
    assert torch.equal(reduction.tokens.size.sum(dim=1), torch.tensor(n_tokens).float())


@given(lengths, seeds, st.sampled_from([0.5, 0.74, 0.9]), st.floats(0, 1))
@often
def test_swapping_the_members_of_pairs_leaves_merged_tokens_alike(n_tokens, seed, ratio, weight):
    batch = bags([n + n % 2 for n in n_tokens], seed)
    place = torch.arange(batch.mask.shape[1])
    swapped = batch.with_features(batch.features[:, place + 1 - 2 * (place % 2)])
    reducer = parts.dtc(
        DIM,
        stage_ratios=[ratio],
        merge_fraction=1.0,
        similarity_weight=weight,
        gate_input="none",
    ).eval()
    with torch.no_grad():
        one, other = reducer(batch).tokens, reducer(swapped).tokens
    assert torch.equal(one.size, other.size)
    of_two = one.size == 2
    torch.testing.assert_close(one.features[of_two], other.features[of_two], atol=1e-5, rtol=1e-5)


@given(lengths, seeds, without_gate, st.sampled_from(sorted(AGGREGATORS)), st.booleans())
@settings(max_examples=25, deadline=None)
def test_no_compression_is_the_plain_aggregator_bit_for_bit(
    n_tokens, seed, switches, name, training
):
    switches |= {"pair_budget": "needed", "position": "none", "scan": "given"}
    torch.manual_seed(seed)
    batch = bags(n_tokens, seed)
    reducer = parts.dtc(DIM, retention=1.0, gate_input="none", **switches).train(training)
    aggregator = build_aggregator(name, DIM, 3).eval()
    with torch.no_grad():
        compressed, plain = aggregator(reducer(batch).tokens), aggregator(batch)
    assert torch.equal(compressed.logits, plain.logits)
    assert torch.equal(compressed.attention, plain.attention)
