"""The parameters of tissue segmentation, all in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field
from pydantic.dataclasses import dataclass

from slidesieve.parsing.settings import STRICT, parse_settings


def _no_truth_value(value: object) -> object:
    """Refuse true and false where a number is meant; pydantic would read them as 1 and 0."""
    return str(value).lower() if isinstance(value, bool) else value


def _lower_case(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else _no_truth_value(value)


# A cell of a sample sheet may be text, so numbers may be too.
Number = Annotated[float, BeforeValidator(_no_truth_value)]
WholeNumber = Annotated[int, BeforeValidator(_no_truth_value)]


@dataclass(frozen=True, config=STRICT)
class TissueParams:
    """How tissue is told from glass; the same values mean the same on every scanner."""

    thumbnail_mpp: Number = Field(
        default=8.0, ge=0.5, le=64, description="µm per px of the thumbnail that is segmented."
    )
    saturation_threshold: Annotated[
        Literal["otsu"] | Annotated[int, Field(ge=1, le=254)], BeforeValidator(_lower_case)
    ] = Field(
        default="otsu",
        description="Saturation (HSV, 0 to 255) above which a pixel is tissue, or otsu to find it "
        "per slide, after the tint of its own glass is taken out. Lower it for pale stains.",
    )
    otsu_floor: WholeNumber = Field(
        default=20,
        ge=0,
        le=254,
        description="Lowest threshold that otsu may choose. Otsu's method splits any picture in "
        "two, blank glass into its own noise; the saturation of most glass stays below 15.",
    )
    otsu_ceiling: WholeNumber = Field(
        default=35,
        ge=0,
        le=254,
        description="Highest threshold that otsu may choose. Where much of the tissue is deeply "
        "stained, Otsu's threshold lies above the pale rest (fat, mucus, thin collagen).",
    )
    median_um: Number = Field(
        default=24.0,
        ge=0,
        le=1000,
        description="Side of the median filter that smooths the saturation, in µm.",
    )
    closing_um: Number = Field(
        default=64.0,
        ge=0,
        le=5000,
        description="Diameter of the closing that joins pieces across thin gaps, in µm.",
    )
    min_area_mm2: Number = Field(
        default=0.05, ge=0, le=10_000, description="Smaller tissue pieces are dropped."
    )
    min_hole_mm2: Number = Field(
        default=0.02, ge=0, le=10_000, description="Smaller holes are filled."
    )
    exclude_pen: bool = Field(
        default=True,
        description="Leave out black, blue, green, red, orange and yellow pen. Violet pen is not "
        "told from haematoxylin. A stain of such a hue (Giemsa, methyl green) is told by its "
        "texture; switch this off where that fails.",
    )
    pen_width_um: Number = Field(
        default=60.0,
        ge=0,
        le=5000,
        description="Inked spots narrower than this are not taken for pen: marking dye and "
        "pigment inside tissue stay.",
    )
    pen_margin_um: Number = Field(
        default=80.0,
        ge=0,
        le=5000,
        description="How far around pen nothing counts as tissue, in µm; its edges fade.",
    )
    max_dark_share: Number = Field(
        default=0.5,
        ge=0,
        le=1,
        description="A slide with a larger share of black pixels is refused as fluorescence.",
    )
    max_unreadable_share: Number = Field(
        default=0.1,
        ge=0,
        le=1,
        description="A slide of which a larger share cannot be decoded is refused.",
    )

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> TissueParams:
        """Build from config values and cells of a sample sheet (which may be text).

        Raises:
            ConfigError: Names every unknown parameter and every value out of range.
        """
        return parse_settings(cls, values, "tissue")
