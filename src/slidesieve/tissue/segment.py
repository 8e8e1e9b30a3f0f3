"""The tissue stage: a slide in, its tissue or the reason for its absence out."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
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
from slidesieve.tissue.mask import tissue_mask
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.polygons import mask_to_polygons
from slidesieve.tissue.result import TissueResult

log = logging.getLogger(__name__)


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
        tissue = find_tissue(overview, mpp, params)
    except SlideError as error:
        log.warning("%s: %s", slide_id, error)
        return replace(result, status="failed", reason=str(error))
    result = replace(result, tissue=tissue, unreadable_share=overview.unreadable_share)
    if tissue.is_empty:
        reason = f"no tissue of at least {params.min_area_mm2:g} mm² found"
        return replace(result, status="empty", reason=reason)
    return result


def find_tissue(overview: Overview, mpp: float, params: TissueParams) -> MultiPolygon:
    """Segment a thumbnail.

    Args:
        overview: The thumbnail.
        mpp: µm per level-0 px.
        params: The recipe's parameters.

    Returns:
        Polygons in level-0 px.

    Raises:
        SlideError: The background is black.
    """
    um_per_px = mpp * overview.downsample
    px_per_mm2 = (1000 / um_per_px) ** 2
    return mask_to_polygons(
        tissue_mask(overview.rgb, um_per_px, params),
        overview.downsample,
        min_area_px=params.min_area_mm2 * px_per_mm2,
        min_hole_px=params.min_hole_mm2 * px_per_mm2,
        corner=(overview.left, overview.top),
    )


def slide_facts(reader: SlideReader) -> dict[str, Any]:
    """What the outputs of the tissue and of the tile stage both say of the slide."""
    return {
        "width": reader.width,
        "height": reader.height,
        "objective": reader.objective,
        "vendor": reader.vendor,
        "reader": reader.name,
        "level_count": len(reader.level_dimensions),
    }
