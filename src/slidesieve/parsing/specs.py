"""Checking what a config says about a part of a model against the part's constructor."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Mapping
from typing import Any

from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import did_you_mean


def parse_spec(
    kind: str, registry: Mapping[str, type], spec: object, given: set[str]
) -> tuple[type, dict[str, Any]]:
    """Resolve a spec, a name or a mapping {name: …, parameters…}, against a registry.

    Args:
        kind: What is being built, for messages ("reducer").
        registry: Class of each name.
        spec: As it stands in the config.
        given: Constructor arguments that the program gives, not the user.

    Returns:
        The class and the user's parameters for its constructor.

    Raises:
        ConfigError: The name or a parameter is unknown, missing or of another type; all of them.
    """
    params = {"name": spec} if isinstance(spec, str) else spec
    if not isinstance(params, Mapping) or not isinstance(params.get("name"), str):
        raise ConfigError([f"{kind}: expected a name or {{name: …, parameters}}, got {spec!r}"])
    name = params["name"]
    if name not in registry:
        raise ConfigError([f"{kind}: no {name!r}; {did_you_mean(name, sorted(registry))}"])
    part = registry[name]
    chosen = {key: value for key, value in params.items() if key != "name"}
    problems = _parameter_problems(f"{kind} {name}", part, chosen, given)
    if problems:
        raise ConfigError(problems)
    return part, chosen


def _parameter_problems(
    where: str, part: type, chosen: Mapping[str, object], given: set[str]
) -> list[str]:
    signature = inspect.signature(part).parameters
    allowed = {name: p for name, p in signature.items() if name not in given}
    # Of the class, not of an instance, so that no subclass can have another signature.
    hints = typing.get_type_hints(part.__init__)  # type: ignore[misc]
    problems = []
    for name, value in chosen.items():
        if name not in allowed:
            problems.append(f"{where}: no parameter {name!r}; {did_you_mean(str(name), allowed)}")
        elif not fits(value, hints[name]):
            problems.append(f"{where}: {name} is {value!r}, expected {readable(hints[name])}")
    problems += [
        f"{where}: parameter {name!r} is missing"
        for name, parameter in allowed.items()
        if parameter.default is inspect.Parameter.empty and name not in chosen
    ]
    return problems


def fits(value: object, hint: Any) -> bool:  # noqa: ANN401
    """Return whether a config's value is of a type hint; what a list holds is not looked at."""
    members = _members(hint)
    if isinstance(value, bool):  # a bool is an int to Python, but not to a reader of a config
        return bool in members
    if isinstance(value, int) and float in members:
        return True
    return isinstance(value, members)


def readable(hint: Any) -> str:  # noqa: ANN401
    """Return a type hint in words, as in "int or nothing"."""
    return " or ".join("nothing" if m is types.NoneType else m.__name__ for m in _members(hint))


def _members(hint: Any) -> tuple[type, ...]:  # noqa: ANN401
    """Return the plain types a hint is a union of."""
    union = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return tuple(typing.get_origin(member) or member for member in union)
