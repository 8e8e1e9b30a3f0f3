"""All aggregators by the name a config uses."""

from __future__ import annotations

from slidesieve.aggregators.abmil import ABMIL
from slidesieve.aggregators.base import Aggregator
from slidesieve.aggregators.pooling import MaxPooling, MeanPooling
from slidesieve.aggregators.transformer import Transformer
from slidesieve.aggregators.transmil import TransMIL
from slidesieve.parsing.specs import parse_spec

AGGREGATORS: dict[str, type[Aggregator]] = {
    "abmil": ABMIL,
    "max": MaxPooling,
    "mean": MeanPooling,
    "transformer": Transformer,
    "transmil": TransMIL,
}


def build_aggregator(spec: object, dim: int, n_classes: int) -> Aggregator:
    """Build an aggregator of tokens of width `dim` from its name or {name: …, parameters}.

    Raises:
        ConfigError: The name or a parameter is unknown or out of range.
    """
    aggregator, params = parse_spec("aggregator", AGGREGATORS, spec, given={"dim", "n_classes"})
    return aggregator(dim=dim, n_classes=n_classes, **params)
