"""Names of encoders and where they are built.

A published encoder is one card in `cards.py`. A new family is one module with
`build(spec) -> Encoder` and one line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from slidesieve.encoders.base import Encoder
from slidesieve.encoders.cards import CARDS
from slidesieve.encoders.spec import EncoderSpec, parse_encoder
from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import nearest

# Modules by name, so that a family that needs torch costs nothing where it is not asked for.
FAMILIES: dict[str, str] = {
    "colour_texture": "slidesieve.encoders.colour_texture.encoder",
    "timm": "slidesieve.encoders.timm_encoder",
    "hf-hub": "slidesieve.encoders.hub_timm",
}
_PUBLISHED = "slidesieve.encoders.published"


def check_encoder(entry: str | Mapping[str, object]) -> EncoderSpec:
    """Parse an entry of `encoders` and see that it can be meant, without loading anything.

    Raises:
        ConfigError: For mistakes in the entry and unknown names, with those that come near.
    """
    spec = parse_encoder(entry)
    if spec.family not in FAMILIES and spec.name not in CARDS:
        hint = nearest(spec.name, [*FAMILIES, *CARDS], n=5)
        raise ConfigError(
            [
                f"encoder {spec.name}: unknown name; {hint}`slidesieve encoders` lists the known; "
                f"any model of timm as timm:<model>, for example timm:resnet18; any timm model "
                "of the Hugging Face hub as hf-hub:<owner>/<name>"
            ]
        )
    if problems := list(_misplaced(spec)):
        raise ConfigError([f"encoder {spec.name}: {problem}" for problem in problems])
    return spec


def load_encoder(entry: str | Mapping[str, object]) -> Encoder:
    """Build the encoder of a config entry, with its weights in place.

    Raises:
        ConfigError: The entry is wrong or its weights cannot be had.
    """
    spec = check_encoder(entry)
    return import_module(FAMILIES.get(spec.family, _PUBLISHED)).build(spec)


def _misplaced(spec: EncoderSpec) -> Iterator[str]:
    """Options that say nothing about this encoder, or name what is not there."""
    poolings = CARDS[spec.name].poolings if spec.name in CARDS else ()
    if spec.pooling is not None and spec.pooling not in poolings:
        allowed = f"allowed: {', '.join(poolings)}" if poolings else "it has no choice of them"
        yield f"pooling is {spec.pooling!r}; {allowed}"
    from_hub = spec.name in CARDS or "hf-hub" in spec.name
    if spec.revision is not None and not from_hub:
        yield "revision goes with models of the Hugging Face hub"
    if spec.sha256 is not None and not from_hub and spec.weights is None:
        yield "sha256 goes with models of the Hugging Face hub and with `weights`"
    if spec.weights is not None and spec.family == "colour_texture":
        yield "it has no weights"
    elif spec.weights is not None and not spec.weights.exists():
        yield f"the weights {spec.weights} do not exist"
    if spec.precision == "bf16" and spec.family == "colour_texture":
        yield "precision bf16 is for networks"
