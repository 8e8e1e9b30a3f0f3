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
transformer = partial(_aggregator, "transformer")
transmil = partial(_aggregator, "transmil")
