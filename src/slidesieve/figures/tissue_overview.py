"""The overview picture of a slide: tissue outlines and the tile grid over its thumbnail."""

from __future__ import annotations

import textwrap
from pathlib import Path

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon

from slidesieve.errors import SlideError
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import read_overview
from slidesieve.store.atomic import atomic_path
from slidesieve.store.tile_records import TileSet
from slidesieve.tissue.polygons import moved
from slidesieve.tissue.result import TissueResult

_OUTLINE = (0, 130, 60)
_GRID = (40, 80, 200)
_BLACK = (0, 0, 0)
_LONGEST_SIDE_PX = 1600
_CARD_SIZE_PX = (480, 240)
# OpenCV draws between pixels when coordinates carry binary digits behind the point.
_SUBPIXEL_BITS = 4


def write_overview(out: Path, slide_path: Path, tissue: TissueResult, tiles: TileSet) -> None:
    """Write the overview of a slide as JPEG; of one that cannot be shown, a card with the reason.

    Args:
        out: The picture.
        slide_path: The slide's file.
        tissue: Its tissue, from segmentation or edited.
        tiles: Its tiles.
    """
    try:
        picture = _overview_of_slide(slide_path, tissue, tiles)
    except SlideError as error:
        picture = _card(f"{tiles.slide_id}: {error}")
    write_jpeg(out, picture)


def draw_overview(
    rgb: NDArray[np.uint8],
    downsample: float,
    tissue: MultiPolygon,
    coords: NDArray[np.int64],
    size_level0: int,
    mpp: float,
) -> NDArray[np.uint8]:
    """Draw tissue outlines, tiles and a scale bar on a thumbnail.

    Args:
        rgb: Thumbnail (H, W, 3).
        downsample: Level-0 px per thumbnail px.
        tissue: Polygons in level-0 px, counted from the thumbnail's corner.
        coords: Tile corners (N, 2), counted alike.
        size_level0: Side of a tile in level-0 px.
        mpp: µm per level-0 px.

    Returns:
        A new picture (H, W, 3).
    """
    picture = rgb.copy()
    lines = 1 + max(picture.shape) // 1200
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * size_level0
    squares = coords[:, None, :] + corners[None]
    _draw_closed(picture, list(squares / downsample), _GRID, lines)
    rings = shapely.get_rings(shapely.get_parts(tissue))
    outlines = [shapely.get_coordinates(ring) / downsample for ring in rings]
    _draw_closed(picture, outlines, _OUTLINE, 2 * lines)
    _draw_scale_bar(picture, mpp * downsample)
    return picture


def write_jpeg(path: Path, rgb: NDArray[np.uint8], quality: int = 90) -> None:
    """Write a picture (H, W, 3) as JPEG, atomically."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    _, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    with atomic_path(path) as partial:
        partial.write_bytes(encoded.tobytes())


def _overview_of_slide(slide_path: Path, tissue: TissueResult, tiles: TileSet) -> NDArray[np.uint8]:
    if tiles.spec is None or tissue.status == "failed":
        raise SlideError(tiles.reason)
    mpp = tiles.spec.slide_mpp
    with open_slide(slide_path, tiles.reader or "auto") as reader:
        shown_mpp = max(reader.bounds[2:]) * mpp / _LONGEST_SIDE_PX
        overview = read_overview(reader, mpp, shown_mpp)
        outline = moved(tissue.on_level0(reader.bounds).tissue, -overview.left, -overview.top)
    return draw_overview(
        overview.rgb,
        overview.downsample,
        outline,
        overview.from_corner(tiles.coords),
        tiles.spec.size_level0,
        mpp,
    )


def _draw_closed(
    picture: NDArray[np.uint8],
    outlines: list[NDArray[np.float64]],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    # OpenCV counts from pixel centres, our coordinates from pixel corners.
    fixed = [np.rint((line - 0.5) * (1 << _SUBPIXEL_BITS)).astype(np.int32) for line in outlines]
    cv2.polylines(picture, fixed, True, colour, thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _draw_scale_bar(picture: NDArray[np.uint8], um_per_px: float) -> None:
    height, width = picture.shape[:2]
    bar_um = _round_length_um(width * um_per_px / 4)
    bar_px = max(1, round(bar_um / um_per_px))
    scale = max(0.35, width / 2000)
    margin = max(4, width // 60)
    x, y = margin, height - margin
    cv2.line(picture, (x, y), (x + bar_px, y), _BLACK, max(2, width // 300))
    place = (x, y - margin // 2 - 2)
    cv2.putText(
        picture,
        f"{bar_um / 1000:g} mm",
        place,
        cv2.FONT_HERSHEY_SIMPLEX,
        scale,
        _BLACK,
        max(1, round(scale)),
        cv2.LINE_AA,
    )


def _round_length_um(longest_um: float) -> float:
    """The longest of 1, 2 or 5 times a power of ten that fits."""
    power = 10 ** np.floor(np.log10(longest_um))
    return float(max(step * power for step in (1, 2, 5) if step * power <= longest_um))


def _card(text: str) -> NDArray[np.uint8]:
    width, height = _CARD_SIZE_PX
    card = np.full((height, width, 3), 245, np.uint8)
    # OpenCV's font has no letters beyond ASCII.
    plain = text.replace("µ", "u").replace("×", "x").encode("ascii", "replace").decode()
    for number, line in enumerate(textwrap.wrap(plain, 56)[:10]):
        place = (12, 28 + 20 * number)
        cv2.putText(card, line, place, cv2.FONT_HERSHEY_SIMPLEX, 0.42, _BLACK, 1, cv2.LINE_AA)
    return card
