"""An entry of `encoders`: a name, or a mapping with options."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic.dataclasses import dataclass

from slidesieve.config.names import FileName
from slidesieve.encoders.spec import EncoderSpec
from slidesieve.parsing.schema import WORDS
from slidesieve.parsing.settings import STRICT, json_schema

_WORDS = "an encoder's name, or a mapping with at least `name`"


@dataclass(frozen=True, config=STRICT)
class EncoderEntry(EncoderSpec):
    """An encoder with options."""

    id: FileName | None = Field(
        default=None, description="Name in results/ and tables; null makes it of `name`."
    )


def _named(entry: object) -> object:
    if isinstance(entry, str) or (isinstance(entry, dict) and isinstance(entry.get("name"), str)):
        return entry
    raise ValueError(f"{entry!r} must be {_WORDS}")


# Options are looked at one by one in `checks`, which names the encoder; here is but their shape.
NameOrEntry = Annotated[
    Any,
    AfterValidator(_named),
    WithJsonSchema({"anyOf": [{"type": "string"}, json_schema(EncoderEntry)], WORDS: _WORDS}),
]
