"""Which models can be audited; needs no torch, so that Snakemake can ask cheaply."""

from __future__ import annotations

from collections.abc import Mapping

from slidesieve.reduction.registry import reducer_entry


def auditable_models(models: Mapping[str, Mapping]) -> list[str]:
    """Names of the models whose reducer has learnt to rank tokens, and drops some.

    Args:
        models: Specs of the config by name.
    """
    return [name for name, spec in models.items() if reducer_entry(spec).ranks]
