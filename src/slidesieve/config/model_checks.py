"""Mistakes in the model specs of a config; apart from the other checks, for it needs torch."""

from __future__ import annotations

from collections.abc import Mapping

from slidesieve.errors import ConfigError
from slidesieve.models.classifier import build_model

# Any will do: only the specs are looked at.
_DIM, _N_CLASSES = 8, 2


def model_problems(models: Mapping[str, Mapping]) -> list[str]:
    """One sentence for every mistake in the specs of models, by name."""
    problems = []
    for name, spec in models.items():
        if not isinstance(spec, Mapping) or "like" in spec:
            continue  # the checks of the config have said so
        try:
            build_model(spec, _DIM, _N_CLASSES)
        except ConfigError as error:
            problems += [f"models.{name}: {problem}" for problem in error.problems]
    return problems
