"""JSON schema errors as sentences a user can act on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from slidesieve.parsing.suggestions import did_you_mean


def schema_problems(instance: object, schema: Mapping, where: str = "") -> list[str]:
    """All violations of a schema, one sentence each, in a stable order.

    Args:
        instance: The parsed YAML, or one row of a table.
        schema: A JSON schema (draft 2020-12).
        where: What precedes the key in each sentence (a file, a row).
    """
    errors = sorted(
        Draft202012Validator(schema).iter_errors(instance),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    return [sentence for error in errors for sentence in _sentences(error, where)]


def _sentences(error: ValidationError, where: str) -> Iterator[str]:
    key = ".".join(str(part) for part in error.absolute_path)
    place = ": ".join(part for part in (where, key) if part)
    place = f"{place}: " if place else ""
    match error.validator:
        case "additionalProperties" if error.validator_value is False:
            allowed = sorted(error.schema.get("properties", {}))
            for name in sorted(set(error.instance) - set(allowed), key=str):
                yield f"{place}unknown key {name!r}; {did_you_mean(str(name), allowed)}"
        case "required":
            for name in error.validator_value:
                if name not in error.instance:
                    yield f"{place}{name} is missing"
        case "enum":
            allowed = ", ".join(str(value) for value in error.validator_value)
            yield f"{place}{error.instance!r} is not allowed; allowed: {allowed}"
        case "anyOf" | "oneOf" if "description" in error.schema:
            yield f"{place}{error.instance!r} must be {error.schema['description']}"
        case "pattern" if "description" in error.schema:
            yield f"{place}{error.instance!r} must be {error.schema['description']}"
        case _:
            yield f"{place}{error.message}"
