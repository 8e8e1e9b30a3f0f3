"""Scale, objective and maker that a TIFF states outside of what OpenSlide reads."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import tifffile

_UM_PER_UNIT = {"µm": 1.0, "um": 1.0, "micron": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}
_UM_PER_RESOLUTION_UNIT = {2: 25_400.0, 3: 10_000.0}


def tiff_scale(tiff: tifffile.TiffFile, page: tifffile.TiffPage) -> tuple[str | None, str | None]:
    """Return µm per px across and down as text, None where not stated.

    OME-TIFF states it in the XML, ImageJ in its description, all others in the resolution tags.
    """
    if tiff.is_ome:
        return _ome_scale(tiff.ome_metadata or "")
    unit_um = _UM_PER_RESOLUTION_UNIT.get(int(page.tags.valueof(296, default=1)))
    if tiff.is_imagej:
        unit_um = _UM_PER_UNIT.get(str((tiff.imagej_metadata or {}).get("unit", "")))
    found = [page.tags.valueof(tag) for tag in (282, 283)]
    if unit_um is None or any(value is None or not value[0] or not value[1] for value in found):
        return None, None
    return tuple(f"{unit_um * below / above:.8g}" for above, below in found)  # type: ignore[return-value]


def tiff_objective(tiff: tifffile.TiffFile) -> float | None:
    """Return the objective power that OME-XML or QPTIFF states."""
    text = str(tiff.pages.first.description or "") if tiff.is_ome or tiff.is_qpi else ""
    stated = re.search(
        r'NominalMagnification="([\d.]+)"|<(?:Objective|Magnification)>\s*([\d.]+)', text
    )
    power = float(next(filter(None, stated.groups()))) if stated else 0.0
    return power if 0 < power <= 200 else None


def tiff_vendor(tiff: tifffile.TiffFile) -> str:
    """Return the format of the file in a word."""
    if tiff.is_ome:
        return "ome-tiff"
    return "qptiff" if tiff.is_qpi else "tiff"


def _ome_scale(xml: str) -> tuple[str | None, str | None]:
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError:
        return None, None
    pixels = next((node for node in root.iter() if node.tag.endswith("}Pixels")), None)
    if pixels is None:
        return None, None
    return _ome_side(pixels, "X"), _ome_side(pixels, "Y")


def _ome_side(pixels: ElementTree.Element, side: str) -> str | None:
    size = pixels.get(f"PhysicalSize{side}")
    um = _UM_PER_UNIT.get(pixels.get(f"PhysicalSize{side}Unit", "µm").replace("μ", "µ"))
    if size is None or um is None:
        return None
    try:
        return f"{float(size) * um:.8g}"
    except ValueError:
        return size
