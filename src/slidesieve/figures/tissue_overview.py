"""The overview picture of a slide: tissue outlines, the tile grid, and what was left out."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon

from slidesieve.errors import SlideError
from slidesieve.figures.overview_file import (
    LEFT_OUT,
    OUTLINE,
    TILE_GRID,
    card,
    with_foot,
    write_overview_file,
)
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview
from slidesieve.store.tile_records import TileSet
from slidesieve.tissue.glass import glass_colour, without_tint
from slidesieve.tissue.polygons import moved
from slidesieve.tissue.result import TissueResult

_LONGEST_SIDE_PX = 1600
# OpenCV draws between pixels when coordinates carry binary digits behind the point.
_SUBPIXEL_BITS = 4
# Colour and darkness that glass has not; specks and the seam along an outline are no exclusion.
_STAINED_SATURATION, _DARK_SHARE = 40, 0.75
# They are looked for in a picture this many times smaller, in which a speck has fewer px.
_COARSER, _SPECK_PX = 4, 3
_HATCH_PX, _HATCH_LINE_PX = 14, 3


def write_overview(out: Path, slide_path: Path, tissue: TissueResult, tiles: TileSet) -> None:
    """Write the overview of a slide as JPEG; of one that cannot be shown, a card with the reason.

    Args:
        out: The picture.
        slide_path: The slide's file.
        tissue: Its tissue, from segmentation or edited.
        tiles: Its tiles.
    """
    try:
        picture, um_per_px = _overview_of_slide(slide_path, tissue, tiles)
    except SlideError as error:
        write_overview_file(out, card(f"{tiles.slide_id}: {error}"), 0, None)
        return
    framed = with_foot(picture, f"{tiles.slide_id}: {len(tiles.coords)} tiles", um_per_px)
    write_overview_file(out, framed, framed.shape[0] - picture.shape[0], um_per_px)


def draw_overview(
    rgb: NDArray[np.uint8],
    downsample: float,
    tissue: MultiPolygon,
    coords: NDArray[np.int64],
    size_level0: int,
) -> NDArray[np.uint8]:
    """Draw tissue outlines and tiles on a thumbnail, and hatch what is stained but no tissue.

    Args:
        rgb: Thumbnail (H, W, 3).
        downsample: Level-0 px per thumbnail px.
        tissue: Polygons in level-0 px, counted from the thumbnail's corner.
        coords: Tile corners (N, 2), counted alike.
        size_level0: Side of a tile in level-0 px.

    Returns:
        A new picture (H, W, 3).
    """
    picture = rgb.copy()
    lines = 1 + max(picture.shape) // 1200
    rings = shapely.get_rings(shapely.get_parts(tissue))
    outlines = [shapely.get_coordinates(ring) / downsample for ring in rings]
    _hatch(picture, _left_out(rgb, outlines))
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size_level0
    squares = coords[:, None, :] + corners[None]
    _draw_closed(picture, list(squares / downsample), TILE_GRID, lines)
    _draw_closed(picture, outlines, OUTLINE, 2 * lines)
    return picture


def _overview_of_slide(
    slide_path: Path, tissue: TissueResult, tiles: TileSet
) -> tuple[NDArray[np.uint8], float]:
    """Return the picture and its µm per px."""
    if tiles.spec is None or tissue.status == "failed":
        raise SlideError(tiles.reason)
    mpp = tiles.spec.slide_mpp
    with open_slide(slide_path, tiles.reader or "auto") as reader:
        shown_mpp = max(reader.bounds[2:]) * mpp / _LONGEST_SIDE_PX
        overview = read_overview(reader, mpp, shown_mpp)
        outline = moved(tissue.on_level0(reader.bounds).tissue, -overview.left, -overview.top)
    picture = draw_overview(
        overview.rgb,
        overview.downsample,
        outline,
        overview.from_corner(tiles.coords),
        tiles.spec.size_level0,
    )
    return picture, overview.downsample * mpp


def _left_out(rgb: NDArray[np.uint8], outlines: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Tell px (H, W) that are stained or dark, as glass is not, and lie in no tissue."""
    height, width = rgb.shape[:2]
    small = [max(1, side // _COARSER) for side in (width, height)]
    rgb = cv2.resize(rgb, small, interpolation=cv2.INTER_AREA)
    glass = glass_colour(rgb)
    hsv = cv2.cvtColor(without_tint(rgb, glass), cv2.COLOR_RGB2HSV)
    darkest = _DARK_SHARE * (245 if glass is None else glass.max())
    seen = ((hsv[..., 1] > _STAINED_SATURATION) | (hsv[..., 2] < darkest)).astype(np.uint8)
    tissue = np.zeros(rgb.shape[:2], np.uint8)
    rings = [np.rint(line / _COARSER).astype(np.int32) for line in outlines]
    cv2.fillPoly(tissue, rings, 1)
    kernel = np.ones((_SPECK_PX, _SPECK_PX), np.uint8)
    outside = cv2.morphologyEx(seen & (1 - cv2.dilate(tissue, kernel)), cv2.MORPH_OPEN, kernel)
    return cv2.resize(outside, (width, height), interpolation=cv2.INTER_NEAREST).astype(bool)


def _hatch(picture: NDArray[np.uint8], where: NDArray[np.bool_]) -> None:
    """Draw diagonal lines on some px (H, W) of a picture."""
    rows, columns = np.nonzero(where)
    on_line = (rows + columns) % _HATCH_PX < _HATCH_LINE_PX
    picture[rows[on_line], columns[on_line]] = LEFT_OUT


def _draw_closed(
    picture: NDArray[np.uint8],
    outlines: list[NDArray[np.float64]],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    # OpenCV counts from pixel centres, our coordinates from pixel corners.
    fixed = [np.rint((line - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32) for line in outlines]
    cv2.polylines(picture, fixed, True, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)
