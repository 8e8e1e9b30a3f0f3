"""Names of encoders and where they are built.

A new family is one module with `build(spec) -> Encoder` and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from slidesieve.encoders.base import Encoder
from slidesieve.encoders.spec import EncoderSpec, near_misses, parse_encoder
from slidesieve.errors import ConfigError

# Modules by name, so that a family that needs torch costs nothing where it is not asked for.
FAMILIES: dict[str, str] = {
    "colour_texture": "slidesieve.encoders.colour_texture.encoder",
    "timm": "slidesieve.encoders.timm_encoder",
}


def check_encoder(entry: str | Mapping[str, object]) -> EncoderSpec:
    """Parse an entry of `encoders` and see that its family exists, without loading anything.

    Raises:
        ConfigError: For mistakes in the entry and unknown names, with those that come near.
    """
    spec = parse_encoder(entry)
    if spec.family not in FAMILIES:
        known = ", ".join(FAMILIES)
        hint = near_misses(spec.family, list(FAMILIES))
        raise ConfigError(
            [
                f"encoder {spec.name}: unknown name{hint} (known: {known}; "
                f"any model of timm as timm:<model>, for example timm:resnet18)"
            ]
        )
    return spec


def load_encoder(entry: str | Mapping[str, object]) -> Encoder:
    """Build the encoder of a config entry, with its weights in place.

    Raises:
        ConfigError: The entry is wrong or its weights cannot be had.
    """
    spec = check_encoder(entry)
    return import_module(FAMILIES[spec.family]).build(spec)
