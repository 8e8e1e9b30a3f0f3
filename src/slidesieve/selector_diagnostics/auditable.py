"""Which models can be audited; needs no torch, so that Snakemake can ask cheaply."""

from __future__ import annotations

from collections.abc import Mapping

# Reducers with a soft path in training and a hard one in evaluation.
SOFT_SELECTORS = frozenset({"sparselearn"})


def auditable_models(models: Mapping[str, Mapping]) -> list[str]:
    """Names of the models whose reducer has a soft and a hard path.

    Args:
        models: Specs of the config by name.
    """
    return [name for name, spec in models.items() if _reducer_name(spec) in SOFT_SELECTORS]


def _reducer_name(spec: Mapping) -> str:
    reducer = spec.get("reducer", "none")
    return reducer if isinstance(reducer, str) else reducer["name"]
