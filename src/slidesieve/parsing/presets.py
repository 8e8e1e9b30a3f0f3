"""Settings that begin with a preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT


@dataclass(frozen=True, config=STRICT)
class PresetSettings:
    """Settings of a method that a paper describes, and that we train otherwise.

    Attributes:
        PRESETS: By name, the values that differ from the defaults of the fields.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, object]]]

    preset: Literal["default", "as_written"] = Field(
        default="default",
        description='Values that all other switches begin with; "as_written" is the paper.',
    )

    @model_validator(mode="before")
    @classmethod
    def _on_preset(cls, given: Any) -> Any:  # noqa: ANN401
        """Lay the values that settings are made of over the preset that they name.

        Values that name no preset there is stay as they are: the check of `preset` says so.
        """
        # Arguments of a constructor come as an object of pydantic_core's, no package of ours.
        is_call = hasattr(given, "kwargs")
        values = (given.kwargs or {}) if is_call else given
        if not isinstance(values, Mapping):
            return given
        preset = values.get("preset", "default")
        if not isinstance(preset, str) or preset not in cls.PRESETS:
            return given
        laid = {**cls.PRESETS[preset], **values}
        return type(given)(given.args, laid) if is_call else laid
