"""The tile stage: a slide and its tissue in, tile coordinates or the reason for none out."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from slidesieve.errors import SlideError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.bounds import Bounds
from slidesieve.slide.open import open_slide, slide_fingerprint
from slidesieve.slide.scale import resolve_mpp, scale_warnings
from slidesieve.store.tile_records import TileSet, TileSpec
from slidesieve.tiling.grid import tile_grid
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.spec import choose_tile_spec
from slidesieve.tissue.polygons import moved
from slidesieve.tissue.result import TissueResult
from slidesieve.tissue.segment import slide_facts

log = logging.getLogger(__name__)

# Of an outline; what is drawn by hand may well pass the edge of the slide.
_MOST_OFF_THE_SLIDE = 0.2


def tile_slide(
    path: Path,
    slide_id: str,
    tissue: TissueResult,
    settings: TileSettings,
    sheet_mpp: float | None = None,
    config_mpp: float | None = None,
    use_objective: bool = False,
    reader: str = "auto",
) -> TileSet:
    """Tile one slide; whatever is wrong with it becomes status and reason.

    Size, scale and levels are asked of the slide itself, so an outline exported from QuPath, or
    drawn for a slide whose segmentation failed, is as good as our own. The grid starts where the
    scanned area does.

    Args:
        path: The slide's file.
        slide_id: Its name in the outputs.
        tissue: What the tissue stage found, or a person drew.
        settings: What the config asks of tiles.
        sheet_mpp: See `resolve_mpp`, like the next two.
        config_mpp: `datasets.<name>.assume_mpp`.
        use_objective: Whether mpp ≈ 10 / objective may be used.
        reader: See `open_slide`.
    """
    tiles = TileSet(slide_id, fingerprint=slide_fingerprint(path))
    try:
        with open_slide(path, reader) as slide:
            tiles = replace(
                tiles, **slide_facts(slide), warnings=_joined([*slide.level_notes, tissue.warnings])
            )
            bounds = slide.bounds
            mpp, source = resolve_mpp(slide, sheet_mpp, config_mpp, use_objective)
            warnings = _joined([*scale_warnings(slide, mpp, source), tiles.warnings])
            tiles = replace(tiles, mpp_source=source, warnings=warnings)
            tiles = replace(tiles, spec=_spec(slide, mpp, settings))
    except SlideError as error:
        log.warning("%s: %s", slide_id, error)
        reason = _joined([str(error), tiles.warnings])
        return replace(tiles, status="failed", reason=reason)
    if tissue.status != "ok":
        return replace(tiles, status=tissue.status, reason=tissue.reason)
    outline = tissue.on_level0(bounds)
    on_slide = shapely.intersection(outline.tissue, bounds.box)
    area_mm2 = on_slide.area * mpp**2 / 1e6
    tiles = replace(tiles, n_contours=tissue.n_contours, tissue_area_mm2=area_mm2)
    off_slide = 1 - on_slide.area / outline.tissue.area if outline.tissue.area else 0.0
    if off_slide > _MOST_OFF_THE_SLIDE:
        off = _off_the_slide(outline, bounds, off_slide)
        if on_slide.area == 0:
            return replace(tiles, status="empty", reason=off)
        tiles = replace(tiles, warnings=_joined([tiles.warnings, off]))
    coords = _grid(on_slide, tiles.known_spec, bounds, settings.min_tissue_fraction)
    if len(coords) == 0:
        reason = _why_no_tile(tiles.known_spec, bounds, area_mm2, settings.min_tissue_fraction)
        return replace(tiles, status="empty", reason=reason)
    return replace(tiles, coords=coords)


def _grid(
    on_slide: BaseGeometry, spec: TileSpec, bounds: Bounds, min_tissue_fraction: float
) -> NDArray[np.int64]:
    from_corner = moved(on_slide, -bounds.x, -bounds.y)
    coords = tile_grid(from_corner, spec, bounds.width, bounds.height, min_tissue_fraction)
    return coords + np.array(bounds[:2], np.int64)


def _off_the_slide(outline: TissueResult, bounds: Bounds, share: float) -> str:
    left, top, right, bottom = (round(edge) for edge in outline.tissue.bounds)
    return (
        f"{share:.0%} of the outline lies off the scanned area: it spans x {left} to {right}, "
        f"y {top} to {bottom} in level-0 px, the scanned area x {bounds.x} to "
        f"{bounds.x + bounds.width}, y {bounds.y} to {bounds.y + bounds.height}; was it drawn on "
        "another slide or level? (`outline_origin` says where its coordinates start)"
    )


def _why_no_tile(
    spec: TileSpec, bounds: Bounds, area_mm2: float, min_tissue_fraction: float
) -> str:
    if min(bounds.width, bounds.height) < spec.size_level0:
        width_um, height_um = (side * spec.slide_mpp for side in bounds[2:])
        return (
            f"the slide is smaller than a tile: {width_um:.4g} × {height_um:.4g} µm, and a tile "
            f"has {spec.tile_um:g} µm"
        )
    return (
        f"{area_mm2:.3g} mm² of tissue, but no tile of {spec.tile_um:g} µm has "
        f"{min_tissue_fraction:.0%} of it"
    )


def _joined(clauses: list[str]) -> str:
    return "; ".join(clause for clause in clauses if clause)


def _spec(reader: SlideReader, mpp: float, settings: TileSettings) -> TileSpec:
    return choose_tile_spec(
        mpp,
        reader.level_downsamples,
        settings.tile_px,
        settings.step_px or settings.tile_px,
        settings.target_mpp,
        settings.max_upsampling,
        reader.objective,
    )
