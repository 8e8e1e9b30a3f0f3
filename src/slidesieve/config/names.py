"""Names that a user gives in a config; they become files, folders and targets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictStr

from slidesieve.parsing.schema import WORDS

_FILE_NAME_WORDS = "a name fit for a file: letters, digits, '.', '_' and '-', no sign in front"
_TARGET_WORDS = "a name of letters, digits and '_' that starts with a letter"

FileName = Annotated[
    StrictStr,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", json_schema_extra={WORDS: _FILE_NAME_WORDS}),
]
"""A name that is part of a file's."""

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
