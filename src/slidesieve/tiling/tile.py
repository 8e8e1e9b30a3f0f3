"""The tile stage: a slide and its tissue in, tile coordinates or the reason for none out."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import shapely

from slidesieve.errors import SlideError
from slidesieve.slide.base import SlideReader
from slidesieve.slide.open import open_slide, slide_fingerprint
from slidesieve.slide.scale import resolve_mpp
from slidesieve.store.tile_records import TileSet, TileSpec
from slidesieve.tiling.grid import tile_grid
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.spec import choose_tile_spec
from slidesieve.tissue.result import TissueResult
from slidesieve.tissue.segment import slide_facts

log = logging.getLogger(__name__)


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
    drawn for a slide whose segmentation failed, is as good as our own.

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
            tiles = replace(tiles, **slide_facts(slide))
            mpp, source = resolve_mpp(slide, sheet_mpp, config_mpp, use_objective)
            tiles = replace(tiles, mpp_source=source, spec=_spec(slide, mpp, settings))
    except SlideError as error:
        log.warning("%s: %s", slide_id, error)
        return replace(tiles, status="failed", reason=str(error))
    if tissue.status != "ok":
        return replace(tiles, status=tissue.status, reason=tissue.reason)
    on_slide = shapely.intersection(tissue.tissue, shapely.box(0, 0, tiles.width, tiles.height))
    area_mm2 = on_slide.area * mpp**2 / 1e6
    tiles = replace(tiles, n_contours=tissue.n_contours, tissue_area_mm2=area_mm2)
    coords = tile_grid(
        on_slide, tiles.known_spec, tiles.width, tiles.height, settings.min_tissue_fraction
    )
    if len(coords) == 0:
        reason = (
            f"{area_mm2:.3g} mm² of tissue, but no tile of {tiles.known_spec.tile_um:g} µm has "
            f"{settings.min_tissue_fraction:.0%} of it"
        )
        return replace(tiles, status="empty", reason=reason)
    return replace(tiles, coords=coords)


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
