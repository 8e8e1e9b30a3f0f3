"""All token reducers by the name a config uses; a new one is a file and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from slidesieve.parsing.parts import PartEntry, parse_part, part_name

if TYPE_CHECKING:
    from slidesieve.reduction.base import TokenReducer

_HOME = "slidesieve.reduction"
_BUDGET = f"{_HOME}.selection:Budget"
_KEPT = f"{_HOME}.selection:KeptTokens"

REDUCERS: dict[str, PartEntry] = {
    "attention_topk": PartEntry(
        f"{_HOME}.attention_topk",
        "AttentionTopK",
        "AttentionTopKSettings",
        learned=True,
        ranks=True,
        needs_teacher=True,
    ),
    "dtc": PartEntry(
        f"{_HOME}.dtc.reducer",
        "DTC",
        f"{_HOME}.dtc.settings:DTCSettings",
        learned=True,
        ranks=True,
    ),
    "farthest_point": PartEntry(f"{_HOME}.farthest_point", "FarthestPointSampling", _KEPT),
    "kmeans": PartEntry(f"{_HOME}.kmeans", "KMeansReduction", "KMeansSettings"),
    "none": PartEntry(f"{_HOME}.identity", "NoReduction"),
    "random": PartEntry(f"{_HOME}.sampling", "RandomSampling", _BUDGET),
    "slots": PartEntry(f"{_HOME}.slots", "SlotAggregation", "SlotSettings", learned=True),
    "sparselearn": PartEntry(
        f"{_HOME}.sparselearn.reducer",
        "SparseLearn",
        f"{_HOME}.sparselearn.settings:SparseLearnSettings",
        learned=True,
        ranks=True,
        soft_path=True,
    ),
    "tome": PartEntry(f"{_HOME}.tome", "TokenMerging", _KEPT),
    "uniform": PartEntry(f"{_HOME}.sampling", "UniformSampling", _BUDGET),
}


def build_reducer(spec: object, dim: int) -> TokenReducer:
    """Build a reducer for tokens of width `dim` from its name or {name: …, parameters}.

    Raises:
        ConfigError: The name or a parameter is unknown or out of range.
    """
    entry, settings = parse_part("reducer", REDUCERS, spec)
    reducer: TokenReducer = entry.part()(dim, settings)
    return reducer


def reducer_entry(spec: Mapping[str, Any]) -> PartEntry:
    """Return the entry of a model's reducer; the model's spec has passed the checks."""
    return REDUCERS[part_name(spec.get("reducer", "none"))]
