"""The record of what a reducer did agrees with what it does, for every reducer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.token_factory import SPECS, features_of, model_of, tokens_of
from slidesieve.audit.tokens import stage_problems
from slidesieve.bags import Bag, collate
from slidesieve.inference.token_trace import trace_slide
from slidesieve.reduction.registry import REDUCERS

every_reducer = pytest.mark.parametrize("reducer", SPECS.values(), ids=SPECS)


def bag_of(n_tiles: int, seed: int = 0):
    features = features_of(n_tiles, seed)
    return collate([Bag("s1", "p1", 0, features.features, features.coords)])


def test_every_reducer_is_tried():
    names = {spec if isinstance(spec, str) else spec["name"] for spec in SPECS.values()}
    assert names == set(REDUCERS)


@every_reducer
def test_tracing_a_model_changes_nothing(reducer):
    model, bag = model_of(reducer), bag_of(40)
    with torch.no_grad():
        (output, reduction), (traced_output, traced, _) = model(bag), model.trace(bag)
    assert torch.equal(output.logits, traced_output.logits)
    assert torch.equal(reduction.source, traced.source)


@every_reducer
@settings(max_examples=15)
@given(n_tiles=st.integers(1, 60), seed=st.integers(0, 3))
def test_stages_compose_to_the_final_source(reducer, n_tiles, seed):
    model = model_of(reducer, seed)
    bag = bag_of(n_tiles, seed)
    with torch.no_grad():
        reduction, stages = model.reducer.trace(model.standardise(bag))
    place = stages[0].entered[0]
    assert sorted(place.tolist()) == list(range(n_tiles))
    for stage in stages:
        assert torch.equal(stage.entered[0], place)
        place = torch.where(place >= 0, stage.went[0][place.clamp(min=0)], -1)
    assert torch.equal(place, reduction.source[0])


@every_reducer
@settings(max_examples=15)
@given(n_tiles=st.integers(1, 60), seed=st.integers(0, 3))
def test_the_record_is_sound_and_its_sizes_sum_to_the_tiles_that_are_left(reducer, n_tiles, seed):
    tokens = tokens_of(reducer, n_tiles, seed)
    assert not list(stage_problems(tokens))
    assert tokens.token_size.sum() == (tokens.final >= 0).sum()
    sizes = np.bincount(tokens.final[tokens.final >= 0], minlength=len(tokens.token_size))
    np.testing.assert_array_equal(sizes, tokens.token_size)
    # A tile is in one state in each stage: gone before, dropped now, or on its way.
    gone = tokens.entered < 0
    np.testing.assert_array_equal(gone.astype(int) + tokens.pruned + tokens.kept, 1)
    assert not (tokens.merged & gone).any()


def test_the_attention_is_the_aggregators_shared_among_the_tiles_of_a_token():
    model, bag = model_of(SPECS["dtc"]), bag_of(40)
    tokens = trace_slide(model, features_of(40), "m", 0, "")
    with torch.no_grad():
        output, _ = model(bag)
    for token, size in enumerate(tokens.token_size):
        of_tiles = tokens.attention[tokens.final == token]
        np.testing.assert_allclose(of_tiles, float(output.attention[0, token]) / size, rtol=1e-5)
    assert np.isnan(tokens.attention[tokens.final < 0]).all()


def test_a_selector_keeps_the_tiles_of_highest_importance():
    for name in ("sparselearn", "attention_topk"):
        tokens = tokens_of(SPECS[name], 40)
        importance, kept = tokens.importance[:, 0], tokens.kept[:, 0]
        assert kept.sum() == 5
        assert importance[kept].min() > importance[~kept].max()


def test_dtc_tells_the_importance_of_each_stage():
    tokens = tokens_of(SPECS["dtc"], 40)
    assert tokens.n_stages == 3
    np.testing.assert_allclose(tokens.importance[:, 0].sum(), 1, rtol=1e-5)
    for stage in (1, 2):
        _, first = np.unique(tokens.entered[:, stage], return_index=True)
        alive = first[tokens.entered[first, stage] >= 0]
        np.testing.assert_allclose(tokens.importance[alive, stage].sum(), 1, rtol=1e-5)


def test_samplers_rank_nothing():
    assert np.isnan(tokens_of(SPECS["random"], 40).importance).all()


def test_an_unusable_slide_has_an_empty_record_with_its_reason():
    empty = replace(features_of(0), status="failed", reason="the file is cut off")
    tokens = trace_slide(model_of(SPECS["dtc"]), empty, "m", 0, "")
    assert (len(tokens.coords), len(tokens.token_size)) == (0, 0)
    assert (tokens.status, tokens.reason) == ("failed", "the file is cut off")
