"""STAMP's features files in the terms of ours.

STAMP (https://github.com/KatherLab/STAMP) writes `feats` (N, D) and `coords` (N, 2). Its coords are
in µm, and the slide's µm per px stand nowhere; so they become px of the tiles that the encoder saw,
of which `tile_size_px` make `tile_size_um`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray


def is_stamp(header: Mapping[str, Any]) -> bool:
    """Whether the attributes of an HDF5 file are those of STAMP, with coords in µm."""
    return header.get("unit") == "um" and "tile_size_um" in header


def from_stamp(
    header: Mapping[str, Any], coords: NDArray | None
) -> tuple[NDArray | None, dict[str, object], dict[str, object]]:
    """Return coords in px of the encoder's tiles, attributes of `coords`, and of `features`.

    Args:
        header: Attributes of the file.
        coords: (N, 2) µm, or None.
    """
    tile_um = float(header["tile_size_um"])
    tile_px = int(header.get("tile_size_px") or round(tile_um))
    mpp = tile_um / tile_px
    attributes: dict[str, object] = {
        "patch_size": tile_px,
        "patch_size_level0": tile_px,
        "mpp": mpp,
        "target_mpp": mpp,
    }
    return None if coords is None else coords / mpp, attributes, _encoder(header)


def _encoder(header: Mapping[str, Any]) -> dict[str, object]:
    return {"encoder": str(header["extractor"])} if "extractor" in header else {}
