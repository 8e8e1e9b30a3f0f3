"""Settings that begin with a preset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def laid_over_preset(given: Any, presets: Mapping[str, Mapping[str, object]]) -> Any:  # noqa: ANN401
    """Lay the values that settings are made of over the preset that they name.

    For a validator of mode "before". Values that name no preset there is stay as they are: the
    check of the field `preset` says so.

    Args:
        given: A mapping, or the arguments of a constructor.
        presets: Values of each preset; "default" is taken where none is named.
    """
    # Arguments of a constructor come as an object of pydantic_core's, which is no package of ours.
    is_call = hasattr(given, "kwargs")
    values = (given.kwargs or {}) if is_call else given
    if not isinstance(values, Mapping):
        return given
    preset = values.get("preset", "default")
    if not isinstance(preset, str) or preset not in presets:
        return given
    laid = {**presets[preset], **values}
    return type(given)(given.args, laid) if is_call else laid
