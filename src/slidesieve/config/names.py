"""Names that a user gives in a config; they become files, folders and targets."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, StrictStr, WithJsonSchema

from slidesieve.parsing.schema import WORDS

_EXAMPLE = 'classes: ["yes", "no"]'
_FILE_NAME_WORDS = "a name fit for a file: letters, digits, '.', '_' and '-', no sign in front"
_TARGET_WORDS = "a name of letters, digits and '_' that starts with a letter"


def _as_class_name(label: object) -> str:
    """Return a class as text.

    Raises:
        ValueError: YAML made something else of it, which may not be what was written.
    """
    if isinstance(label, str):
        return label
    if isinstance(label, int) and not isinstance(label, bool):
        return str(label)
    raise ValueError(f"{_in_yaml(label)}; put quotes around each class, as in {_EXAMPLE}")


def _in_yaml(label: object) -> str:
    if isinstance(label, bool):
        words = "yes, on or true" if label else "no, off or false"
        return f"{str(label).lower()} is what YAML makes of {words}"
    if label is None:
        return "null is what YAML makes of null, ~ or nothing"
    return f"{label!r} is a {type(label).__name__} to YAML, not text"


FileName = Annotated[
    StrictStr,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", json_schema_extra={WORDS: _FILE_NAME_WORDS}),
]
"""A name that is part of a file's."""

ClassName = Annotated[
    str,
    BeforeValidator(_as_class_name),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}], WORDS: "text"}),
]
"""A class; whole numbers are taken as text."""


def class_names(classes: object) -> list[str]:
    """Return the classes of a config as text; none where they are not sound."""
    if not isinstance(classes, list):
        return []
    try:
        return [_as_class_name(label) for label in classes]
    except ValueError:
        return []


TargetName = Annotated[
    StrictStr,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", json_schema_extra={WORDS: _TARGET_WORDS}),
]
"""A name that can be a target of the workflow and a wildcard of its rules."""

ColumnName = Annotated[
    StrictStr,
    Field(
        pattern=r"^[a-z][a-z0-9_]*$",
        json_schema_extra={WORDS: "a name of small letters, digits and '_', a letter first"},
    ),
]
"""A name that is part of a column's."""
