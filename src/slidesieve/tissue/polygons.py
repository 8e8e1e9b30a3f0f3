"""Between masks of pixels and polygons in level-0 px."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Geometry = TypeVar("Geometry", bound=BaseGeometry)

# Corners of a contour that lie closer to it than this are dropped; the stairs of pixels go.
_SIMPLIFY_PX = 0.5


def mask_to_polygons(
    mask: NDArray[np.bool_],
    downsample: float,
    min_area_px: float,
    min_hole_px: float,
    corner: tuple[int, int] = (0, 0),
) -> MultiPolygon:
    """Outline a mask, filtering pieces and holes by area.

    Args:
        mask: (H, W), True inside.
        downsample: Level-0 px per mask px.
        min_area_px: Pieces smaller than this (in mask px²) are dropped, after filling holes.
        min_hole_px: Holes smaller than this (in mask px²) are filled.
        corner: Level-0 px x, y of the mask's upper left corner.

    Returns:
        Valid polygons with holes on whole level-0 px, in a stable order. Mask pixel i spans
        [i, i + 1) × downsample from the corner on.
    """
    contours, hierarchy = cv2.findContours(
        mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    if not contours:
        return MultiPolygon()
    pieces = [
        _fill_holes(_polygon(contours, hierarchy[0], index, min_hole_px), min_hole_px)
        for index, (_, _, _, parent) in enumerate(hierarchy[0])
        if parent < 0 and _fits(contours[index], min_area_px)
    ]
    kept = [piece for piece in pieces if piece.area >= min_area_px]
    simple = shapely.simplify(shapely.union_all(kept), _SIMPLIFY_PX)
    on_slide = shapely.transform(simple, lambda points: points * downsample + corner)
    return as_multipolygon([shapely.set_precision(on_slide, 1.0)])


def moved(tissue: Geometry, right: int, down: int) -> Geometry:
    """Return a geometry moved by whole px."""
    if right == down == 0:
        return tissue
    return shapely.transform(tissue, lambda points: points + np.array([right, down]))


def as_multipolygon(geometries: Iterable[BaseGeometry]) -> MultiPolygon:
    """Unite geometries and keep what has area: valid, disjoint, ordered from top to bottom."""
    united = shapely.union_all(shapely.make_valid(np.array(list(geometries), dtype=object)))
    parts = [part for part in shapely.get_parts(united) if isinstance(part, Polygon)]
    nested = [part for part in shapely.get_parts(united) if isinstance(part, MultiPolygon)]
    parts += [polygon for multi in nested for polygon in multi.geoms]
    parts = [shapely.normalize(part) for part in parts if part.area > 0]
    ordered = sorted(parts, key=_top_left)
    return MultiPolygon(ordered)


def _polygon(
    contours: Sequence[NDArray[np.int32]],
    hierarchy: NDArray[np.int32],
    index: int,
    min_hole_px: float,
) -> BaseGeometry:
    """A contour with its holes, in mask px counted from the pixels' corners."""
    holes = []
    child = hierarchy[index][2]
    while child >= 0:
        if _fits(contours[child], min_hole_px):
            holes.append(contours[child][:, 0] + 0.5)
        child = hierarchy[child][0]
    # OpenCV's contours join the centres of the outermost pixels, around pieces and around holes
    # alike: half a pixel more on every side is the outline of the pixels themselves.
    through_centres = Polygon(contours[index][:, 0] + 0.5, holes)
    return shapely.buffer(through_centres, 0.5, join_style="mitre")


def _fits(contour: NDArray[np.int32], min_area_px: float) -> bool:
    """Whether a contour may enclose that area: a cheap bound, since noise makes thousands."""
    _, _, width, height = cv2.boundingRect(contour)
    return len(contour) >= 3 and width * height >= min_area_px


def _fill_holes(geometry: BaseGeometry, min_hole_px: float) -> BaseGeometry:
    filled = [
        Polygon(
            polygon.exterior,
            [ring for ring in polygon.interiors if Polygon(ring).area >= min_hole_px],
        )
        for polygon in shapely.get_parts(geometry)
    ]
    return shapely.union_all(filled)


def _top_left(polygon: Polygon) -> tuple[float, ...]:
    left, top, right, bottom = polygon.bounds
    return top, left, bottom, right
