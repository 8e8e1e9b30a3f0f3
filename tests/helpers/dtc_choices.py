"""The switches of DTC that name one of several ways."""

from __future__ import annotations

from typing import Literal, get_args, get_origin, get_type_hints

from slidesieve.reduction.dtc.settings import DTCSettings

CHOICES = {
    name: get_args(hint)
    for name, hint in get_type_hints(DTCSettings).items()
    if get_origin(hint) is Literal and name != "preset"
}
