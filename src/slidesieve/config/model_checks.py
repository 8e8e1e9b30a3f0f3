"""Mistakes in the parts of models; apart from the other checks, for it needs torch."""

from __future__ import annotations

from collections.abc import Mapping

from slidesieve.errors import ConfigError
from slidesieve.models.classifier import build_model
from slidesieve.reduction.registry import build_reducer
from slidesieve.vqa.connector import reducer_before_language

# Any will do: only the specs are looked at.
_DIM, _N_CLASSES = 8, 2
_STAND_IN = {"reducer": "none", "aggregator": "mean"}


def model_problems(models: Mapping[str, Mapping]) -> list[str]:
    """One sentence for every mistake in the parameters of reducers and aggregators, by model.

    The checks of the config look at all else, and at parts that are no names nor mappings.
    """
    problems = []
    for name, spec in models.items():
        if not isinstance(spec, Mapping) or "like" in spec:
            continue
        parts = {part: spec[part] for part in _STAND_IN if _is_named(spec.get(part))}
        try:
            build_model(_STAND_IN | parts, _DIM, _N_CLASSES)
        except ConfigError as error:
            problems += [f"models.{name}: {problem}" for problem in error.problems]
    return problems


def vqa_model_problems(section: object) -> list[str]:
    """One sentence for every mistake in the reducers of the models that answer questions."""
    models = section.get("models") if isinstance(section, Mapping) else None
    problems = []
    for name, spec in models.items() if isinstance(models, Mapping) else ():
        reducer = spec.get("reducer") if isinstance(spec, Mapping) else None
        if reducer is None or not _is_named(reducer):
            continue
        try:
            build_reducer(reducer_before_language(reducer), _DIM)
        except ConfigError as error:
            problems += [f"vqa.models.{name}: {problem}" for problem in error.problems]
    return problems


def _is_named(part: object) -> bool:
    return isinstance(part, str) or (
        isinstance(part, Mapping) and isinstance(part.get("name"), str)
    )
