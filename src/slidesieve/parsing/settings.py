"""Settings that say of themselves which keys, types, ranges and defaults they have.

Settings are pydantic dataclasses; this module turns mappings into them, and pydantic's errors into
sentences a user can act on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from pydantic import AfterValidator, ConfigDict, TypeAdapter, ValidationError

from slidesieve.errors import ConfigError
from slidesieve.parsing.schema import Schema, allowed_keys, choices, in_words, schema_at
from slidesieve.parsing.suggestions import did_you_mean

STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
"""Unknown keys are mistakes; so are NaN, which passes every range, and infinity."""

_SHOWN_CHARACTERS = 80
_KEY = "[key]"
_UNKNOWN_KEY = ("unexpected_keyword_argument", "extra_forbidden")

Settings = TypeVar("Settings")


def parse_settings(
    kind: type[Settings], values: object, section: str = "", where: str = ""
) -> Settings:
    """Build settings from a mapping, defaults filled in.

    Args:
        kind: A pydantic dataclass.
        values: The mapping.
        section: Key under which the mapping stands.
        where: Precedes the keys in each sentence (a file, a row).

    Raises:
        ConfigError: One sentence per mistake.
    """
    try:
        return adapter(kind).validate_python(values)
    except ValidationError as error:
        raise ConfigError(_sentences(error, kind, section, where)) from None


def settings_problems(kind: type, values: object, section: str = "", where: str = "") -> list[str]:
    """Return one sentence per mistake in a mapping, in the order of its keys."""
    try:
        adapter(kind).validate_python(values)
    except ValidationError as error:
        return _sentences(error, kind, section, where)
    return []


def plain(settings: object) -> dict[str, Any]:
    """Return settings as a mapping of plain values, without what is left to others (None)."""
    return adapter(type(settings)).dump_python(settings)


def adapter(kind: Any) -> TypeAdapter:  # noqa: ANN401
    """The validator of a kind of settings."""
    return _made_once(kind)


@cache
def _made_once(kind: Any) -> TypeAdapter:  # noqa: ANN401
    return TypeAdapter(kind)


@cache
def json_schema(kind: type) -> Schema:
    """The JSON schema of a kind of settings, without the titles that pydantic makes up."""
    return _untitled(adapter(kind).json_schema())


def _untitled(schema: Any) -> Any:  # noqa: ANN401
    """Drop `title` where it is no key of the user's."""
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(item) for name, item in value.items()}
        if key in ("properties", "$defs", "patternProperties")
        else _untitled(value)
        for key, value in schema.items()
        if key != "title"
    }


def _unrepeated(values: list) -> list:
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    if repeated:
        raise ValueError(f"{', '.join(repeated)} stands there more than once")
    return values


UNIQUE = AfterValidator(_unrepeated)
"""For `Annotated[list[…], UNIQUE]`: no item may stand in the list twice."""


def _sentences(error: ValidationError, kind: type, section: str, where: str) -> list[str]:
    root = json_schema(kind)

    def place(path: Sequence[str | int]) -> str:
        key = ".".join(str(part) for part in (section, *path) if part != "")
        return "".join(f"{part}: " for part in (where, key) if part)

    found = [_sentence(detail, root, place) for detail in error.errors(include_url=False)]
    return list(dict.fromkeys(found))


def _sentence(
    error: Mapping[str, Any], root: Schema, place: Callable[[Sequence[str | int]], str]
) -> str:
    """Turn one error of pydantic into a sentence; `place` names the key at a path."""
    path = list(error["loc"])
    if path and path[-1] == _KEY:
        schema, _ = schema_at(root, path[:-2])
        expected = in_words(schema.get("propertyNames", {"type": "string"}), root)
        return f"{place(path[:-2])}{_shown(path[-2])} must be {expected}"
    schema, depth = schema_at(root, path)
    if error["type"] in _UNKNOWN_KEY and depth == len(path) - 1:
        hint = did_you_mean(str(path[-1]), allowed_keys(schema, root))
        return f"{place(path[:-1])}unknown key {path[-1]!r}; {hint}"
    if error["type"] == "missing" and depth == len(path):
        return f"{place(path[:-1])}{path[-1]} is missing"
    return place(path[:depth]) + _mistake(error, schema, root)


def _mistake(error: Mapping[str, Any], schema: Schema, root: Schema) -> str:
    """Say what is wrong with the value that an error is about."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "too_short":
        return f"needs at least {error['ctx']['min_length']} of them"
    listed = choices(schema)
    if listed is not None:
        allowed = ", ".join(str(choice) for choice in listed)
        return f"{_shown(error['input'])} is not allowed; allowed: {allowed}"
    return f"{_shown(error['input'])} must be {in_words(schema, root)}"


def _shown(value: object) -> str:
    """Return a value as a user wrote it, cut where it is long."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
