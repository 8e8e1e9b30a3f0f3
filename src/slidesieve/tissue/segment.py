"""The tissue stage: a slide in, its tissue or the reason for its absence out."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from shapely.geometry import MultiPolygon

from slidesieve.errors import SlideError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.open import open_slide, slide_fingerprint
from slidesieve.slide.overview import Overview, read_overview
from slidesieve.slide.scale import resolve_mpp
from slidesieve.stages import STAGES
from slidesieve.store.geojson import origin_at
from slidesieve.tissue.mask import Segmented, segment_thumbnail
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.polygons import mask_to_polygons
from slidesieve.tissue.result import TissueResult

log = logging.getLogger(__name__)

# Tissue that covers more of a slide leaves no glass. Of real tissue a twentieth looks even.
_BRIMFUL = 0.95
_EVEN_AS_GLASS = 0.15


def segment_slide(
    path: Path,
    slide_id: str,
    params: TissueParams,
    sheet_mpp: float | None = None,
    config_mpp: float | None = None,
    use_objective: bool = False,
    reader: str = "auto",
    outline_origin: str = "bounds",
) -> TissueResult:
    """Segment one slide; whatever is wrong with it becomes status and reason.

    Args:
        path: The slide's file.
        slide_id: Its name in the outputs.
        params: The recipe's parameters.
        sheet_mpp: See `resolve_mpp`, like the next two.
        config_mpp: `datasets.<name>.assume_mpp`.
        use_objective: Whether mpp ≈ 10 / objective may be used.
        reader: See `open_slide`.
        outline_origin: Where coordinates start in the file that is written, "bounds" or "level0".
    """
    result = TissueResult(
        slide_id=slide_id,
        fingerprint=slide_fingerprint(path),
        params=asdict(params),
        stage_version=STAGES["tissue"],
    )
    try:
        with open_slide(path, reader) as slide:
            result = replace(
                result,
                **slide_facts(slide),
                origin=origin_at(outline_origin, (slide.bounds.x, slide.bounds.y)),
            )
            mpp, source = resolve_mpp(slide, sheet_mpp, config_mpp, use_objective)
            result = replace(result, mpp=mpp, mpp_source=source)
            overview = read_overview(slide, mpp, params.thumbnail_mpp, params.max_unreadable_share)
        found = find_tissue(overview, mpp, params)
    except SlideError as error:
        log.warning("%s: %s", slide_id, error)
        return replace(result, status="failed", reason=str(error))
    result = replace(
        result,
        tissue=found.tissue,
        warnings=found.warnings,
        unreadable_share=overview.unreadable_share,
    )
    if found.tissue.is_empty:
        return replace(result, status="empty", reason=found.why_none)
    return result


@dataclass(frozen=True)
class FoundTissue:
    """The tissue of a thumbnail, and what is to be said of it.

    Attributes:
        tissue: Polygons in level-0 px.
        why_none: Why there is none, a clause.
        warnings: What a person should look at; "" where nothing.
    """

    tissue: MultiPolygon
    why_none: str
    warnings: str


def find_tissue(overview: Overview, mpp: float, params: TissueParams) -> FoundTissue:
    """Segment a thumbnail.

    Args:
        overview: The thumbnail.
        mpp: µm per level-0 px.
        params: The recipe's parameters.

    Raises:
        SlideError: The background is black.
    """
    um_per_px = mpp * overview.downsample
    px_per_mm2 = (1000 / um_per_px) ** 2
    segmented = segment_thumbnail(overview.rgb, um_per_px, params)
    tissue = mask_to_polygons(
        segmented.tissue,
        overview.downsample,
        min_area_px=params.min_area_mm2 * px_per_mm2,
        min_hole_px=params.min_hole_mm2 * px_per_mm2,
        corner=(overview.left, overview.top),
    )
    return FoundTissue(tissue, _why_none(segmented, px_per_mm2, params), _warnings(segmented))


def _why_none(segmented: Segmented, px_per_mm2: float, params: TissueParams) -> str:
    reason = f"no tissue of at least {params.min_area_mm2:g} mm² found"
    pen_mm2 = segmented.coloured_pen.sum() / px_per_mm2
    if pen_mm2 >= params.min_area_mm2:
        reason += (
            f"; {pen_mm2:.3g} mm² have the colours of pen and are left out: if that is the stain, "
            "set tissue.exclude_pen to false for the slide"
        )
    if segmented.grey.sum() / px_per_mm2 >= params.min_area_mm2:
        reason += (
            f"; the slide is grey: {segmented.grey.mean():.0%} of it is darker than glass and has "
            "no colour, and tissue is found by the colour of its stain; draw its outline instead"
        )
    return reason


def _warnings(segmented: Segmented) -> str:
    """Doubt tissue up to the edges, unless it varies from px to px as tissue does and glass not."""
    share = segmented.tissue.mean()
    if share < _BRIMFUL or segmented.even[segmented.tissue].mean() < _EVEN_AS_GLASS:
        return ""
    return (
        f"tissue covers {share:.0%} of the slide, and much of it is as even as glass: look at the "
        "overview; tissue.saturation_threshold sets the threshold by hand"
    )


def slide_facts(reader: SlideReader) -> dict[str, Any]:
    """The facts of a slide that tissue and tile files share."""
    return {
        "width": reader.width,
        "height": reader.height,
        "objective": reader.objective,
        "vendor": reader.vendor,
        "reader": reader.name,
        "level_count": len(reader.level_dimensions),
    }
