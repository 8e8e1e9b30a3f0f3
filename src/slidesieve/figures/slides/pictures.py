"""The pictures of a slide's page: its map, its most attended tiles, its thumbnail, as JPEGs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from slidesieve.figures.attention_overlay import top_tiles
from slidesieve.figures.attention_scale import share_of_even
from slidesieve.figures.slides.cut_out import CutOut, cut_outs
from slidesieve.slide.open import open_slide
from slidesieve.slide.overview import Overview, read_overview
from slidesieve.store.features import FeatureSet
from slidesieve.store.tile_records import TileSet
from slidesieve.store.tiles import known_spec_from_attributes
from slidesieve.tiling.spec import read_tile
from slidesieve.tissue.polygons import moved
from slidesieve.tissue.result import TissueResult

_MAP_PX, _THUMBNAIL_PX, _TILE_PX = 560, 160, 100
_QUALITY = 60
_N_TOP_TILES = 6
_OUTLINE, _BOX = (0, 130, 60), (20, 20, 20)
_TINT = 0.5


@dataclass(frozen=True)
class TopTile:
    """One of the most attended tiles.

    Attributes:
        jpeg: Its picture.
        share: Its share of the slide's attention, from 0 to 1.
        of_even: That share as a multiple of an even one.
    """

    jpeg: bytes
    share: float
    of_even: float


@dataclass(frozen=True)
class SlidePictures:
    """The pictures of a slide, all of them JPEGs.

    Attributes:
        map: The slide with its tissue, what was cut out, and numbers on the top tiles.
        thumbnail: The bare slide, small.
        tiles: The most attended tiles, in the order of their numbers.
        cut_out: What was cut out.
    """

    map: bytes
    thumbnail: bytes
    tiles: tuple[TopTile, ...]
    cut_out: tuple[CutOut, ...]


def picture_slide(
    path: Path,
    tissue: TissueResult,
    tiles: TileSet,
    features: FeatureSet,
    attention: NDArray[np.floating],
) -> SlidePictures:
    """Read a usable slide and draw its pictures.

    Args:
        path: The slide's file.
        tissue: Its tissue.
        tiles: Its tiles.
        features: Its tokens, for their places.
        attention: (N,) weights of the tokens, NaN for dropped ones.

    Raises:
        SlideError: The slide cannot be opened any more.
        TileReadError: A tile that has features cannot be read any more.
    """
    spec = known_spec_from_attributes(features.tile_attributes, features.slide_id)
    best = top_tiles(attention, _N_TOP_TILES)
    with open_slide(path) as reader:
        shown_mpp = max(reader.bounds[2:]) * spec.slide_mpp / _MAP_PX
        overview = read_overview(reader, spec.slide_mpp, shown_mpp)
        parts = cut_outs(reader, tissue, tiles)
        outline = moved(tissue.on_level0(reader.bounds).tissue, -overview.left, -overview.top)
        pictures = [read_tile(reader, spec, *features.coords[row]) for row in best]
    shares, times = attention / np.nansum(attention), share_of_even(attention)
    corners = overview.from_corner(features.coords[best]) / overview.downsample
    picture = _draw_outline(_tinted(overview.rgb, parts), outline, overview)
    return SlidePictures(
        map=_jpeg(_numbered(picture, corners, spec.size_level0 / overview.downsample)),
        thumbnail=_jpeg(_shrunk(overview.rgb, _THUMBNAIL_PX)),
        tiles=tuple(
            TopTile(_jpeg(_shrunk(tile, _TILE_PX)), float(shares[row]), float(times[row]))
            for row, tile in zip(best, pictures, strict=True)
        ),
        cut_out=tuple(parts),
    )


def embedded(jpeg: bytes, words: str) -> str:
    """Return a picture as markup that holds it whole.

    Args:
        jpeg: The picture.
        words: Read aloud in its place; plain text without quotes.
    """
    packed = base64.b64encode(jpeg).decode()
    return f'<img alt="{words}" src="data:image/jpeg;base64,{packed}">'


def _tinted(rgb: NDArray[np.uint8], parts: Sequence[CutOut]) -> NDArray[np.uint8]:
    picture = rgb.astype(np.float64)
    height, width = rgb.shape[:2]
    for part in parts:
        mask = cv2.resize(part.mask.astype(np.uint8), (width, height), interpolation=0) > 0
        colour = np.array(to_rgb(part.colour)) * 255
        picture[mask] = (1 - _TINT) * picture[mask] + _TINT * colour
    return np.rint(picture).astype(np.uint8)


def _draw_outline(
    picture: NDArray[np.uint8], outline: shapely.MultiPolygon, overview: Overview
) -> NDArray[np.uint8]:
    rings = shapely.get_rings(shapely.get_parts(outline))
    lines = [
        np.rint(shapely.get_coordinates(ring) / overview.downsample).astype(np.int32)
        for ring in rings
    ]
    return cv2.polylines(picture, lines, True, _OUTLINE, 2, cv2.LINE_AA)


def _numbered(
    picture: NDArray[np.uint8], corners: NDArray[np.float64], side: float
) -> NDArray[np.uint8]:
    """Frame tiles and number them from 1, corners (n, 2) and side in px of the picture."""
    for number, corner in enumerate(corners, start=1):
        left, top = np.rint(corner).astype(int).tolist()
        right, bottom = np.rint(corner + side).astype(int).tolist()
        cv2.rectangle(picture, (left, top), (right, bottom), (255, 255, 255), 4)
        cv2.rectangle(picture, (left, top), (right, bottom), _BOX, 2)
        cv2.rectangle(picture, (left, top), (left + 18, top + 20), (255, 255, 255), cv2.FILLED)
        place = (left + 4, top + 16)
        cv2.putText(
            picture, str(number), place, cv2.FONT_HERSHEY_SIMPLEX, 0.55, _BOX, 2, cv2.LINE_AA
        )
    return picture


def _shrunk(rgb: NDArray[np.uint8], longest_px: int) -> NDArray[np.uint8]:
    scale = min(1.0, longest_px / max(rgb.shape[:2]))
    size = [max(1, round(side * scale)) for side in rgb.shape[1::-1]]
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()
