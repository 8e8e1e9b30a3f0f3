"""A published encoder as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

Statistics = tuple[float, float, float]


class Normalisation(TypedDict):
    """Mean and standard deviation of RGB in 0-1, which a tile is normalised by."""

    mean: Statistics
    std: Statistics


WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class EncoderCard:
    """One published encoder.

    Attributes:
        name: As in the config.
        hub_id: Repository on the Hugging Face hub, owner/name.
        architecture: timm's name of the network, or of the trunk below an attention pooler.
        token_width: Length of one output token.
        mean: Of RGB in 0-1, subtracted from a tile.
        std: Of RGB in 0-1, which it is then divided by.
        licence: Of the weights, in words.
        revision: Commit of the repository; None takes the newest and records which it was.
        files: Names the weights may have in the repository, the preferred one first.
        options: Arguments of `timm.create_model`, see `towers.timm_arguments`.
        tower: How output tokens are had: a key of `towers.TOWERS`.
        layout: How keys are named in the published file: a key of `layouts.LAYOUTS`.
        poolings: How tokens become one vector ("cls", "cls+mean", …); the first is the default.
        n_prefix_tokens: Class and register tokens in front of the patch tokens.
        input_px: Side of what the network sees.
        resize_px: Side that a tile is resized to; where it is more than `input_px`, the centre is
            cut out. None means `input_px`.
        interpolation: "bilinear" or "bicubic".
        precision: Of the arithmetic on a GPU: "fp32", "fp16" or "bf16". On a CPU it is fp32.
        mpp: µm per px of the tiles it is meant for.
        tile_px: Side of these tiles.
        gated: Whether access must be asked for.
        proof: What our implementation was compared with, a key of `PROOFS`.
    """

    name: str
    hub_id: str
    architecture: str
    token_width: int
    mean: Statistics
    std: Statistics
    licence: str
    revision: str | None = None
    files: tuple[str, ...] = WEIGHT_FILES
    options: Mapping[str, Any] = field(default_factory=dict)
    tower: str = "tokens"
    layout: str = "timm"
    poolings: tuple[str, ...] = ("cls",)
    n_prefix_tokens: int = 1
    input_px: int = 224
    resize_px: int | None = None
    interpolation: str = "bilinear"
    precision: str = "fp32"
    mpp: float = 0.5
    tile_px: int = 256
    gated: bool = False
    proof: str = "timm"

    @property
    def pooling(self) -> str:
        """The pooling unless the config asks for another."""
        return self.poolings[0]

    def width(self, pooling: str) -> int:
        """Length of a feature vector."""
        return self.token_width * (2 if pooling == "cls+mean" else 1)


# How each implementation was proven. None could be loaded with its published weights here.
PROOFS: dict[str, str] = {
    "timm": "timm's own network by the authors' call; poolings and key layout tested",
    "description": "equal to a forward written from the official description, in the official keys",
    "transformers": "equal to Hugging Face transformers, in its keys",
    "config": "built from the repository's config.json at run time; tested with a small one",
}
