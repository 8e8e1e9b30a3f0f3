"""What of a slide never reached a model, and why: pen, small pieces, tissue without a tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon

from slidesieve.errors import SlideError
from slidesieve.figures.style import PALETTE
from slidesieve.slide.base import SlideReader
from slidesieve.slide.overview import Overview, read_overview
from slidesieve.store.tile_records import TileSet
from slidesieve.tissue.mask import segment_thumbnail
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.polygons import as_multipolygon, moved
from slidesieve.tissue.result import TissueResult

_PEN, _HOLE, _SMALL, _NO_TILE = PALETTE[0], PALETTE[4], PALETTE[2], PALETTE[5]
# Less is noise of the outline, a px or two of the thumbnail along it.
_LEAST_MM2 = 0.001


@dataclass(frozen=True)
class CutOut:
    """A part of the slide that no model saw.

    Attributes:
        reason: Why, in words.
        area_mm2: Its area.
        colour: Of its ground on the map, as "#rrggbb".
        mask: (h, w) of the slide's thumbnail, True on it.
    """

    reason: str
    area_mm2: float
    colour: str
    mask: NDArray[np.bool_]


def cut_outs(reader: SlideReader, tissue: TissueResult, tiles: TileSet) -> list[CutOut]:
    """Find what was cut out of a usable slide, on the thumbnail that its tissue was found on.

    Segmentation is done again for what it left out. An outline that a person drew says nothing of
    reasons, so only its holes and tissue without a tile are told then.

    Args:
        reader: The open slide.
        tissue: Its tissue.
        tiles: Its tiles.
    """
    spec = tiles.spec
    if spec is None:
        return []
    params = TissueParams.from_mapping(dict(tissue.params))
    overview = read_overview(reader, spec.slide_mpp, params.thumbnail_mpp)
    outline = tissue.on_level0(reader.bounds).tissue
    mm2_per_px = (spec.slide_mpp / 1000) ** 2
    found = [
        CutOut(reason, shape.area * mm2_per_px, colour, _raster(shape, overview))
        for reason, colour, shape in _by_outline(outline, tiles.coords, spec.size_level0)
    ]
    if not tissue.edited:
        kept = _raster(outline, overview)
        mm2_per_overview_px = mm2_per_px * overview.downsample**2
        found += [
            CutOut(reason, mask.sum() * mm2_per_overview_px, colour, mask)
            for reason, colour, mask in _by_segmentation(overview, spec.slide_mpp, params, kept)
        ]
    return [part for part in found if part.area_mm2 >= _LEAST_MM2]


def _by_outline(
    outline: MultiPolygon, coords: NDArray[np.int64], side: int
) -> Iterator[tuple[str, str, MultiPolygon]]:
    """Yield areas in level-0 px that the outline, or the grid of tiles, leaves out."""
    whole = shapely.union_all([Polygon(piece.exterior) for piece in outline.geoms])
    yield "holes in the tissue", _HOLE, as_multipolygon([whole - outline])
    tiled = shapely.union_all(shapely.box(*coords.T, *(coords.T + side)))
    reason = "tissue in which no tile fits, most of it at the edge"
    yield reason, _NO_TILE, as_multipolygon([outline - tiled])


def _by_segmentation(
    overview: Overview, slide_mpp: float, params: TissueParams, kept: NDArray[np.bool_]
) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    try:
        segmented = segment_thumbnail(overview.rgb, slide_mpp * overview.downsample, params)
    except SlideError:
        return
    yield "pen", _PEN, segmented.coloured_pen & ~kept
    count, labels = cv2.connectedComponents(segmented.tissue.astype(np.uint8))
    in_tissue = np.bincount(labels[kept], minlength=count) > 0
    dropped = segmented.tissue & ~in_tissue[labels]
    n_pieces = int((~in_tissue[1:]).sum())
    pieces = "1 piece" if n_pieces == 1 else f"{n_pieces} pieces"
    yield f"{pieces} below {params.min_area_mm2:g} mm²", _SMALL, dropped


def _raster(area: MultiPolygon, overview: Overview) -> NDArray[np.bool_]:
    """Return (h, w) of the overview, True on an area in level-0 px and on what it grazes."""
    canvas = np.zeros(overview.rgb.shape[:2], np.uint8)
    rings = shapely.get_rings(shapely.get_parts(moved(area, -overview.left, -overview.top)))
    lines = [
        np.rint(shapely.get_coordinates(ring) / overview.downsample - 0.5).astype(np.int32)
        for ring in rings
    ]
    if lines:
        # All rings at once, so that holes stay free.
        cv2.fillPoly(canvas, lines, 1)
    return canvas > 0
