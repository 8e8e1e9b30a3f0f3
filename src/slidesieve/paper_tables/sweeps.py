"""Models of a study that differ in one number only."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class KSweep:
    """Models that differ in nothing but how many tokens their reducer keeps.

    Attributes:
        name: Of the reducer; of reducer and aggregator, or of the first model, if another sweep
            has that name.
        models: Model by its k, rising.
        full_bag: The model of the same aggregator that keeps all tokens, if the study has one.
    """

    name: str
    models: Mapping[int, str]
    full_bag: str | None


def k_sweeps(models: Mapping[str, Mapping]) -> list[KSweep]:
    """Find the sweeps over k among the models of a config: two models or more each.

    Args:
        models: Name → spec.
    """
    families: dict[str, dict[int, str]] = defaultdict(dict)
    for name, spec in models.items():
        reducer = spec.get("reducer")
        if isinstance(reducer, Mapping) and isinstance(reducer.get("k"), int):
            rest = {key: value for key, value in reducer.items() if key != "k"}
            families[_key({**spec, "reducer": rest})].setdefault(reducer["k"], name)
    full_bags = {
        _key({key: value for key, value in spec.items() if key != "reducer"}): name
        for name, spec in models.items()
        if _name_of(spec.get("reducer", "none")) == "none"
    }
    sweeps: list[KSweep] = []
    for family in families.values():
        if len(family) < 2:
            continue
        first = models[next(iter(family.values()))]
        names = [_name_of(first["reducer"])]
        names += [f"{names[0]}, {_name_of(first['aggregator'])}", next(iter(family.values()))]
        taken = {sweep.name for sweep in sweeps}
        sweeps.append(
            KSweep(
                name=next((name for name in names if name not in taken), names[-1]),
                models=dict(sorted(family.items())),
                full_bag=full_bags.get(
                    _key({key: value for key, value in first.items() if key != "reducer"})
                ),
            )
        )
    return sweeps


def _key(spec: Mapping) -> str:
    return json.dumps(spec, sort_keys=True)


def _name_of(component: str | Mapping) -> str:
    return component if isinstance(component, str) else component["name"]
