"""The parameters of tissue segmentation, all in physical units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Literal

from slidesieve.errors import ConfigError
from slidesieve.parsing.suggestions import did_you_mean

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class TissueParams:
    """How tissue is told from glass; the same values mean the same on every scanner.

    Attributes:
        thumbnail_mpp: µm per px of the thumbnail that is segmented.
        saturation_threshold: Saturation (HSV, 0 to 255) above which a pixel is tissue, or "otsu"
            to find it per slide. Lower it for pale stains.
        otsu_floor: Lowest threshold "otsu" may choose. Otsu's method splits any picture in two,
            blank glass into its own noise; the saturation of most glass stays below 15.
        otsu_ceiling: Highest threshold "otsu" may choose. Where much of the tissue is deeply
            stained, Otsu's threshold lies above the pale rest (fat, mucus, thin collagen).
        median_um: Side of the median filter that smooths the saturation.
        closing_um: Diameter of the closing that joins what thin gaps part.
        min_area_mm2: Tissue pieces smaller than this are dropped.
        min_hole_mm2: Holes smaller than this are filled.
        exclude_pen: Leave out green, blue and black pen. Switch it off for stains of these hues
            (trichrome, methyl green). Red pen is not told from eosin and blood.
        pen_width_um: Inked spots narrower than this are not taken for pen: marking dye and
            pigment inside tissue stay.
        pen_margin_um: How far around pen nothing counts as tissue; its edges fade.
        max_dark_share: A slide with a larger share of black pixels is refused as fluorescence.
        max_unreadable_share: A slide of which a larger share cannot be decoded is refused.
    """

    thumbnail_mpp: float = 8.0
    saturation_threshold: int | Literal["otsu"] = "otsu"
    otsu_floor: int = 20
    otsu_ceiling: int = 35
    median_um: float = 24.0
    closing_um: float = 64.0
    min_area_mm2: float = 0.05
    min_hole_mm2: float = 0.02
    exclude_pen: bool = True
    pen_width_um: float = 60.0
    pen_margin_um: float = 80.0
    max_dark_share: float = 0.5
    max_unreadable_share: float = 0.1

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> TissueParams:
        """Build from config values and cells of a sample sheet (which may be text).

        Raises:
            ConfigError: Names every unknown parameter and every value out of range.
        """
        known = [field.name for field in fields(cls)]
        parsed: dict[str, object] = {}
        problems: list[str] = []
        for name, value in values.items():
            if name not in known:
                problems.append(f"tissue.{name}: unknown; {did_you_mean(name, known)}")
                continue
            try:
                parsed[name] = _parse(name, value)
            except ValueError as error:
                problems.append(f"tissue.{name}: {value!r} must be {error}")
        if problems:
            raise ConfigError(problems)
        return cls(**parsed)


# The lowest and highest value each number may have, and whether it is a whole one.
_RANGES: dict[str, tuple[float, float]] = {
    "thumbnail_mpp": (0.5, 64),
    "saturation_threshold": (1, 254),
    "otsu_floor": (0, 254),
    "otsu_ceiling": (0, 254),
    "median_um": (0, 1000),
    "closing_um": (0, 5000),
    "min_area_mm2": (0, 10_000),
    "min_hole_mm2": (0, 10_000),
    "pen_width_um": (0, 5000),
    "pen_margin_um": (0, 5000),
    "max_dark_share": (0, 1),
    "max_unreadable_share": (0, 1),
}
_WHOLE = {"saturation_threshold", "otsu_floor", "otsu_ceiling"}


def _parse(name: str, value: object) -> object:
    """Turn one value into its type; the ValueError says what it must be."""
    text = str(value).strip().lower()
    if name == "exclude_pen":
        if text not in _TRUTHS:
            raise ValueError("true or false")
        return _TRUTHS[text]
    if name == "saturation_threshold" and text == "otsu":
        return "otsu"
    low, high = _RANGES[name]
    kind = "a whole number" if name in _WHOLE else "a number"
    expected = f"{kind} from {low:g} to {high:g}"
    if name == "saturation_threshold":
        expected = f'"otsu" or {expected}'
    try:
        number = float(text)
    except ValueError:
        raise ValueError(expected) from None
    is_right_kind = number.is_integer() or name not in _WHOLE
    if not low <= number <= high or not is_right_kind:
        raise ValueError(expected)
    return int(number) if name in _WHOLE else number
