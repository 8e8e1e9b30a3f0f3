"""All token reducers by the name a config uses."""

from __future__ import annotations

from slidesieve.parsing.specs import parse_spec
from slidesieve.reduction.attention_topk import AttentionTopK
from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.dtc.reducer import DTC
from slidesieve.reduction.farthest_point import FarthestPointSampling
from slidesieve.reduction.identity import Identity
from slidesieve.reduction.kmeans import KMeansReduction
from slidesieve.reduction.sampling import RandomSampling, UniformSampling
from slidesieve.reduction.slots import SlotAggregation
from slidesieve.reduction.sparselearn.reducer import SparseLearn
from slidesieve.reduction.tome import TokenMerging

REDUCERS: dict[str, type[TokenReducer]] = {
    "attention_topk": AttentionTopK,
    "dtc": DTC,
    "farthest_point": FarthestPointSampling,
    "kmeans": KMeansReduction,
    "none": Identity,
    "random": RandomSampling,
    "slots": SlotAggregation,
    "sparselearn": SparseLearn,
    "tome": TokenMerging,
    "uniform": UniformSampling,
}


def build_reducer(spec: object, dim: int) -> TokenReducer:
    """Build a reducer for tokens of width `dim` from its name or {name: …, parameters}.

    Raises:
        ConfigError: The name or a parameter is unknown or out of range.
    """
    reducer, params = parse_spec("reducer", REDUCERS, spec, given={"dim"})
    return reducer(dim=dim, **params)
