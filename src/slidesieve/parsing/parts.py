"""Reducers and aggregators by the name a config uses, imported when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pydantic.dataclasses import dataclass as settings_dataclass

from slidesieve.errors import ConfigError
from slidesieve.parsing.settings import STRICT, parse_settings
from slidesieve.parsing.suggestions import did_you_mean


@settings_dataclass(frozen=True, config=STRICT)
class NoSettings:
    """Settings of a part that has none."""


@dataclass(frozen=True)
class PartEntry:
    """One line of a registry: a class, its settings, and the facts that others ask for.

    The facts stand here as data, so that a config can be planned without importing torch.

    Attributes:
        module: Module of the class and of its settings.
        name: The class; it is built from widths and its settings.
        settings: The pydantic dataclass of its settings, or "" for a part that has none.
            "module:name" where they lie in a module of their own.
        learned: Whether the choice of tokens is learned, so that it is worth a picture.
        ranks: Whether it has learnt to rank all tokens and drops some, so that it is diagnosed.
        soft_path: Whether training selects softly and evaluation hard.
        needs_teacher: Whether another model is fitted first, from which it learns.
        needs_pitch: Whether it reads the tiles' places on the slide's grid.
    """

    module: str
    name: str
    settings: str = ""
    learned: bool = False
    ranks: bool = False
    soft_path: bool = False
    needs_teacher: bool = False
    needs_pitch: bool = False

    def part(self) -> Any:  # noqa: ANN401
        """Import the class."""
        return getattr(import_module(self.module), self.name)

    def settings_class(self) -> type:
        """Import the class of its settings."""
        if not self.settings:
            return NoSettings
        module, _, name = self.settings.rpartition(":")
        return getattr(import_module(module or self.module), name)


def part_name(spec: str | Mapping[str, object]) -> str:
    """Return the name in a spec of a part, which is a name or {name: …, parameters}."""
    return spec if isinstance(spec, str) else str(spec["name"])


def parse_part(kind: str, registry: Mapping[str, PartEntry], spec: object) -> tuple[PartEntry, Any]:
    """Resolve a spec, a name or a mapping {name: …, parameters}, against a registry.

    Args:
        kind: What is being built, for messages ("reducer").
        registry: Entry of each name.
        spec: As it stands in the config.

    Returns:
        The entry and its settings.

    Raises:
        ConfigError: The name or a parameter is unknown, missing, of another type or out of range;
            all of them.
    """
    chosen = {"name": spec} if isinstance(spec, str) else spec
    if not isinstance(chosen, Mapping) or not isinstance(chosen.get("name"), str):
        raise ConfigError([f"{kind}: expected a name or {{name: …, parameters}}, got {spec!r}"])
    name = chosen["name"]
    if name not in registry:
        raise ConfigError([f"{kind}: no {name!r}; {did_you_mean(name, sorted(registry))}"])
    values = {key: value for key, value in chosen.items() if key != "name"}
    entry = registry[name]
    return entry, parse_settings(entry.settings_class(), values, where=f"{kind} {name}")
