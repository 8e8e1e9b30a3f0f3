"""Reducers and aggregators, built as a config builds them."""

from __future__ import annotations

from functools import partial

from slidesieve.aggregators.registry import build_aggregator
from slidesieve.reduction.registry import build_reducer


def _reducer(name: str, dim: int, **settings):
    return build_reducer({"name": name, **settings}, dim)


def _aggregator(name: str, dim: int, n_classes: int, **settings):
    return build_aggregator({"name": name, **settings}, dim, n_classes)


dtc = partial(_reducer, "dtc")
sparselearn = partial(_reducer, "sparselearn")
abmil = partial(_aggregator, "abmil")
mhim = partial(_aggregator, "mhim")
panther = partial(_aggregator, "panther")
transformer = partial(_aggregator, "transformer")
transmil = partial(_aggregator, "transmil")


SMALL_AGGREGATORS = {
    "abmil": {"hidden_dim": 16, "attention_dim": 8},
    "acmil": {"hidden_dim": 16, "attention_dim": 8, "branches": 3, "masked_tokens": 4},
    "clam": {"hidden_dim": 16, "attention_dim": 8},
    "dsmil": {"query_dim": 8},
    "dtfd": {"hidden_dim": 16, "attention_dim": 8, "distil": "maxmin"},
    "hipt": {"hidden_dim": 12, "depth": 2, "heads": 2, "region_heads": 2},
    "hipt_pools": {"hidden_dim": 12},
    "ilra": {"hidden_dim": 16, "heads": 2, "rank": 2},
    "longformer": {"hidden_dim": 12, "depth": 2, "heads": 2, "window": 3},
    "mamba2d": {"hidden_dim": 12, "attention_dim": 8, "state_dim": 4},
    "max": {"hidden_dim": 16},
    "mean": {"hidden_dim": 16},
    "mhim": {"hidden_dim": 16, "attention_dim": 8},
    "mhim2": {"hidden_dim": 16, "attention_dim": 8, "merge_heads": 2, "merge_head_dim": 4},
    "panther": {"prototypes": 3},
    "patchgd": {"hidden_dim": 16},
    "rrt": {"hidden_dim": 16, "attention_dim": 8, "heads": 2, "cross_heads": 2, "regions": 2},
    "simple_mil": {"channels": 4},
    "spt": {"hidden_dim": 16, "heads": 2, "contrast_dim": 8},
    "transformer": {"hidden_dim": 16, "mlp_dim": 16},
    "transmil": {"hidden_dim": 16},
}
"""Settings of every aggregator of the registry that make it small enough for a test."""


def small_aggregator(name: str) -> dict[str, object]:
    """Return the spec of a small aggregator."""
    return {"name": name, **SMALL_AGGREGATORS[name]}
