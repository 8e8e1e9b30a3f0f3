"""Scale is microns: which mpp a slide has, who said so, and which pyramid level serves it."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

from slidesieve.errors import SlideError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.plausible import PLAUSIBLE_MPP, is_plausible_mpp

log = logging.getLogger(__name__)

_MAX_ANISOTROPY = 0.05
# Scanners of one objective power differ by a quarter; the next power is twice as strong.
_FARTHEST_FROM_OBJECTIVE = 1.5


def stated_mpp(mpp_x: str | None, mpp_y: str | None) -> tuple[float | None, str]:
    """Judge what a file states of its scale.

    Args:
        mpp_x: µm per level-0 px from left to right, as text of the file.
        mpp_y: The same from top to bottom.

    Returns:
        The geometric mean and "", or None and the reason, a clause such as
        "the file states no mpp".
    """
    if mpp_x is None or mpp_y is None:
        return None, "the file states no mpp"
    try:
        x, y = float(mpp_x), float(mpp_y)
    except ValueError:
        return None, f"the file states an mpp of {mpp_x!r} × {mpp_y!r}, which is no number"
    if not (is_plausible_mpp(x) and is_plausible_mpp(y)):
        low, high = PLAUSIBLE_MPP
        stated = f"{x:.6g} × {y:.6g}"
        return None, f"the file states an implausible mpp of {stated} (not {low:g} to {high:g})"
    if abs(x - y) > _MAX_ANISOTROPY * min(x, y):
        return None, f"the file states pixels that are not square, {x:.6g} × {y:.6g} µm"
    return math.sqrt(x * y), ""


def resolve_mpp(
    reader: SlideReader,
    sheet_mpp: float | None,
    config_mpp: float | None,
    use_objective: bool,
) -> tuple[float, str]:
    """Settle a slide's µm per level-0 px: the sheet beats the file, which beats the config.

    Args:
        reader: The open slide.
        sheet_mpp: Column mpp of the sample sheet.
        config_mpp: `datasets.<name>.assume_mpp` of the config.
        use_objective: Whether the config allows mpp ≈ 10 / objective as the last resort.

    Returns:
        mpp and its source: "sheet", "slide", "config" or "objective".

    Raises:
        SlideError: Nobody gives the mpp, or the one given is implausible.
    """
    from_objective = 10 / reader.objective if use_objective and reader.objective else None
    candidates = {
        "sheet": sheet_mpp,
        "slide": reader.mpp,
        "config": config_mpp,
        "objective": from_objective,
    }
    for source, mpp in candidates.items():
        if mpp is None:
            continue
        if not is_plausible_mpp(mpp):
            low, high = PLAUSIBLE_MPP
            raise SlideError(f"mpp {mpp:g} given by the {source} is not within {low:g} to {high:g}")
        if source != "slide" and reader.mpp_note:
            log.info("%s; using %g from the %s", reader.mpp_note, mpp, source)
        return mpp, source
    hint = ""
    if reader.objective:
        hint = f" (its objective of {reader.objective:g}x means about {10 / reader.objective:.3g})"
    raise SlideError(
        f"mpp unknown: {reader.mpp_note}{hint}; give it in column mpp of the sample sheet, "
        "or for all slides of the dataset as datasets.<name>.assume_mpp"
    )


def scale_warnings(reader: SlideReader, mpp: float, source: str) -> list[str]:
    """Return what speaks against a slide's scale, a clause each, with both numbers.

    Args:
        reader: The open slide.
        mpp: µm per level-0 px in use.
        source: Who gave it, see `resolve_mpp`.
    """
    found = []
    if source == "sheet" and reader.mpp and _apart(mpp, reader.mpp) > 1 + _MAX_ANISOTROPY:
        found.append(f"the sheet says {mpp:.4g} µm per px, the file {reader.mpp:.4g}")
    usual = 10 / reader.objective if reader.objective else mpp
    if _apart(mpp, usual) > _FARTHEST_FROM_OBJECTIVE:
        found.append(
            f"{mpp:.4g} µm per px does not go with the objective of {reader.objective:g}x that the "
            f"file states, which is about {usual:.3g} µm per px; check the scale, and give the "
            "right one in column mpp of the sample sheet"
        )
    return found


def _apart(one: float, other: float) -> float:
    return max(one, other) / min(one, other)


def coarsest_level(
    level_downsamples: Sequence[float], max_downsample: float, tolerance: float = 0.01
) -> int:
    """Choose the coarsest level that is no coarser than wanted.

    Args:
        level_downsamples: Level-0 px per px of each level, the finest first.
        max_downsample: Level-0 px per px wanted.
        tolerance: Share by which a level may be coarser; vendors round their levels' sizes.

    Returns:
        The level; 0 when even that is coarser.
    """
    limit = max_downsample * (1 + tolerance)
    fitting = [level for level, step in enumerate(level_downsamples) if step <= limit]
    return max(fitting, key=lambda level: level_downsamples[level], default=0)
