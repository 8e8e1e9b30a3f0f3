"""The settings of tiles; apart from the stage itself, for they are read without its libraries."""

from __future__ import annotations

from pydantic import Field, StrictFloat, StrictInt
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT
from slidesieve.slide.plausible import PLAUSIBLE_MPP


@dataclass(frozen=True, config=STRICT)
class TileSettings:
    """How tiles are cut from a slide."""

    tile_px: StrictInt = Field(
        default=256, ge=64, le=4096, description="Side of a tile in px at target_mpp."
    )
    target_mpp: StrictFloat = Field(
        default=0.5, ge=PLAUSIBLE_MPP[0], le=PLAUSIBLE_MPP[1], description="µm per px of a tile."
    )
    step_px: StrictInt | None = Field(
        default=None,
        ge=16,
        le=8192,
        description="Distance of neighbouring tiles in px at target_mpp. Null means tile_px; less "
        "than tile_px makes tiles overlap, more leaves gaps.",
    )
    min_tissue_fraction: StrictFloat = Field(
        default=0.5, ge=0, le=1, description="Share of a tile's area that must be tissue."
    )
    max_upsampling: StrictFloat = Field(
        default=1.1,
        ge=1,
        le=4,
        description="How much coarser than target_mpp a slide may be and still be enlarged.",
    )
