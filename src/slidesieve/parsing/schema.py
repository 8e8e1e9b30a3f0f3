"""JSON schemas in words: what a value must be, and where in a schema a key stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

WORDS = "x-words"
"""Key of a schema under which its author says in words what a value must be."""

_TYPES = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list",
    "object": "a mapping of keys to values",
    "null": "null",
}


def follow(schema: Schema, root: Schema) -> Schema:
    """Return a schema, or the definition in `root` that it refers to."""
    while "$ref" in schema:
        found: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = {**found, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def schema_at(root: Schema, path: Sequence[str | int]) -> tuple[Schema, int]:
    """Walk from the root of a schema along a path of keys and positions.

    Returns:
        The deepest schema reached, and how many parts of the path lead to it.
    """
    schema = follow(root, root)
    for depth, part in enumerate(path):
        below = next(_below(schema, part, root), None)
        if below is None:
            return schema, depth
        schema = below
    return schema, len(path)


def _below(schema: Schema, part: str | int, root: Schema) -> Iterator[Schema]:
    """Yield the schemas of one key or position of a value."""
    if isinstance(part, int) and "items" in schema:
        yield follow(schema["items"], root)
    if isinstance(part, str):
        if part in schema.get("properties", {}):
            yield follow(schema["properties"][part], root)
        for pattern, below in schema.get("patternProperties", {}).items():
            if re.search(pattern, part):
                yield follow(below, root)
        if isinstance(schema.get("additionalProperties"), Mapping):
            yield follow(schema["additionalProperties"], root)
    for option in schema.get("anyOf", ()):
        yield from _below(follow(option, root), part, root)


def allowed_keys(schema: Schema, root: Schema) -> list[str]:
    """Keys that a mapping may have, in alphabetical order."""
    options = [schema, *(follow(option, root) for option in schema.get("anyOf", ()))]
    return sorted({key for option in options for key in option.get("properties", {})})


def choices(schema: Schema) -> list[object] | None:
    """Return the values that a schema lists, or None where it lists none."""
    return [schema["const"]] if "const" in schema else schema.get("enum")


def in_words(schema: Schema, root: Schema) -> str:
    """Return in words what a value must be, for example "a whole number from 1 to 50"."""
    schema = follow(schema, root)
    if WORDS in schema:
        return str(schema[WORDS])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(in_words(option, root) for option in schema["anyOf"]))
    listed = choices(schema)
    if listed is not None:
        return ", ".join(map(str, listed))
    words = _TYPES.get(schema.get("type", ""), "any value")
    if schema.get("type") == "array" and "items" in schema:
        fewest = f", at least {schema['minItems']}" if "minItems" in schema else ""
        return f"a list of {in_words(schema['items'], root)}{fewest}"
    return words + _range(schema)


def _range(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        above = f" above {schema['exclusiveMinimum']:g}"
        return above if high is None else f"{above} and at most {high:g}"
    if low is not None and high is not None:
        return f" from {low:g} to {high:g}"
    if low is not None:
        return f" of at least {low:g}"
    return "" if high is None else f" of at most {high:g}"
