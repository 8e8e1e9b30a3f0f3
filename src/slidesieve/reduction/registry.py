"""All token reducers by the name a config uses."""

from __future__ import annotations

from slidesieve.reduction.base import TokenReducer
from slidesieve.reduction.dtc.reducer import DTC
from slidesieve.reduction.identity import Identity
from slidesieve.reduction.sampling import RandomSampling, UniformSampling
from slidesieve.registry import parse_spec

REDUCERS: dict[str, type[TokenReducer]] = {
    "dtc": DTC,
    "none": Identity,
    "random": RandomSampling,
    "uniform": UniformSampling,
}


def build_reducer(spec: object, dim: int) -> TokenReducer:
    """Build a reducer for tokens of width `dim` from its name or {name: …, parameters}.

    Raises:
        ConfigError: The name or a parameter is unknown or out of range.
    """
    reducer, params = parse_spec("reducer", REDUCERS, spec, given={"dim"})
    return reducer(dim=dim, **params)
