"""Writes a picture as the files that make readers stumble: bounds, padded levels, macro pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray

from slidesieve.store.atomic import atomic_path

Picture = NDArray[np.uint8]

_NM_PER_UM = 1000
_SCN = """<?xml version="1.0"?><scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">
<collection name="c" sizeX="{full_width}" sizeY="{full_height}"><barcode>QQ==</barcode>
<image name="macro"><creationDate>2012-01-01T00:00:00Z</creationDate>
<device model="Leica SCN400;Leica SCN" version="1"/>
<pixels sizeX="256" sizeY="256"><dimension sizeX="256" sizeY="256" r="0" ifd="0"/></pixels>
<view sizeX="{full_width}" sizeY="{full_height}" offsetX="0" offsetY="0"/>
<scanSettings><objectiveSettings><objective>0.6</objective></objectiveSettings>
<illuminationSettings><illuminationSource>brightfield</illuminationSource></illuminationSettings>
</scanSettings></image>
<image name="scan"><creationDate>2012-01-01T00:00:00Z</creationDate>
<device model="Leica SCN400;Leica SCN" version="1"/>
<pixels sizeX="{width}" sizeY="{height}">{dimensions}</pixels>
<view sizeX="{view_width}" sizeY="{view_height}" offsetX="{x}" offsetY="{y}"/>
<scanSettings><objectiveSettings><objective>20</objective></objectiveSettings>
<illuminationSettings><numericalAperture>0.4</numericalAperture>
<illuminationSource>brightfield</illuminationSource></illuminationSettings>
</scanSettings></image></collection></scn>"""


def halve(rgb: Picture, times: int) -> Picture:
    """Average a picture down to half its size, that many times, sizes rounded down."""
    size = rgb.shape[1] >> times, rgb.shape[0] >> times
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


def pad(rgb: Picture, multiple_px: int, colour: int = 255) -> Picture:
    """Enlarge a picture to the right and below to whole multiples of a length."""
    missing = [-side % multiple_px for side in rgb.shape[:2]]
    return np.pad(rgb, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=np.uint8(colour))


def write_levels(path: Path, levels: Sequence[Picture], tile_px: int, mpp: float) -> None:
    """Write pictures as the levels of a generic pyramid, whatever they show.

    Args:
        path: File to write, .tif.
        levels: RGB (h, w, 3), the finest first.
        tile_px: Side of stored tiles.
        mpp: µm per level-0 px.
    """
    with atomic_path(path) as partial, tifffile.TiffWriter(partial) as tiff:
        for number, level in enumerate(levels):
            tiff.write(
                level,
                tile=(tile_px, tile_px),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": 90},
                subfiletype=int(number > 0),
                resolution=(1e4 / mpp, 1e4 / mpp),
                resolutionunit="CENTIMETER",
                metadata=None,
                software=False,
            )


def write_leica(path: Path, levels: Sequence[Picture], corner: tuple[int, int], mpp: float) -> None:
    """Write a pyramid as a Leica SCN whose scanned area starts at a corner of a larger plane.

    Args:
        path: File to write, .scn.
        levels: RGB (h, w, 3), each half as large as the one before.
        corner: x, y of the scanned area, level-0 px of the plane.
        mpp: µm per level-0 px.
    """
    height, width = levels[0].shape[:2]
    nm = round(mpp * _NM_PER_UM)
    dimensions = "".join(
        f'<dimension sizeX="{level.shape[1]}" sizeY="{level.shape[0]}" r="{r}" ifd="{r + 1}"/>'
        for r, level in enumerate(levels)
    )
    text = _SCN.format(
        full_width=(width + 2 * corner[0]) * nm,
        full_height=(height + 2 * corner[1]) * nm,
        width=width,
        height=height,
        dimensions=dimensions,
        view_width=width * nm,
        view_height=height * nm,
        x=corner[0] * nm,
        y=corner[1] * nm,
    )
    macro = np.full((256, 256, 3), 200, np.uint8)
    with atomic_path(path) as partial, tifffile.TiffWriter(partial, bigtiff=True) as tiff:
        for number, level in enumerate([macro, *levels]):
            tiff.write(
                level,
                tile=(256, 256),
                photometric="rgb",
                compression="jpeg",
                compressionargs={"level": 90},
                subfiletype=int(number > 1),
                description=text if number == 0 else None,
                resolution=(1e4 / mpp, 1e4 / mpp),
                resolutionunit="CENTIMETER",
                metadata=None,
                software=False,
            )
