"""The tiles file: where on a slide the tiles lie.

`coords` int64 (N, 2) holds the top-left corners in level-0 px. The names of its attributes are
TRIDENT's and CLAM's, so that their tools read the file; mpp, target_mpp, read_mpp, downsample and
the exact grid step are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from slidesieve.errors import ContractError
from slidesieve.stages import STAGES
from slidesieve.store import hdf5
from slidesieve.store.tile_records import TileSet, TileSpec

_FILE_FIELDS = (
    "slide_id",
    "status",
    "reason",
    "fingerprint",
    "mpp_source",
    "vendor",
    "reader",
    "level_count",
    "tissue_area_mm2",
    "n_contours",
    "warnings",
)
# Files of stage version 1 lack these.
_LATER_FIELDS = ("warnings",)


def write_tiles(path: Path, tiles: TileSet) -> None:
    """Write a slide's tiles; a slide without any is a valid file with N = 0 and its status."""
    attributes = {name: getattr(tiles, name) for name in _FILE_FIELDS}
    attributes["stage_version"] = STAGES["tiles"]
    with hdf5.create(path, attributes) as file:
        dataset = hdf5.write_rows(file, "coords", tiles.coords)
        hdf5.set_attributes(dataset, coords_attributes(tiles))


def read_tiles(path: Path) -> TileSet:
    """Read a tiles file of ours.

    Raises:
        ContractError: The file is no tiles file of SlideSieve.
    """
    with hdf5.open_read(path) as file:
        if "coords" not in file or "status" not in file.attrs:
            raise ContractError(f"{path}: not a tiles file of SlideSieve (no coords or status)")
        header = hdf5.plain_attributes(file)
        attributes = hdf5.plain_attributes(file["coords"])
        coords = file["coords"][:]
    missing = [name for name in _FILE_FIELDS if name not in (*header, *_LATER_FIELDS)]
    if missing:
        raise ContractError(f"{path}: attributes {', '.join(missing)} are missing")
    return TileSet(
        **{name: header[name] for name in _FILE_FIELDS if name in header},
        coords=coords,
        spec=spec_from_attributes(attributes),
        width=attributes["level0_width"],
        height=attributes["level0_height"],
    )


def coords_attributes(tiles: TileSet) -> dict[str, object]:
    """Attributes of `coords`, the same in the tiles file and in the features files."""
    attributes: dict[str, object] = {
        "name": tiles.slide_id,
        "level0_width": tiles.width,
        "level0_height": tiles.height,
    }
    spec = tiles.spec
    if spec is None:
        return attributes
    # Both from mpp, so that patch_size × level0 / target magnification is patch_size_level0; the
    # objective that the slide states may differ.
    return attributes | {
        "patch_size": spec.tile_px,
        "patch_level": spec.level,
        "patch_size_level0": spec.size_level0,
        "level0_magnification": _tidy(10 / spec.slide_mpp),
        "target_magnification": _tidy(10 / spec.target_mpp),
        "overlap": spec.overlap_px,
        "mpp": spec.slide_mpp,
        "target_mpp": spec.target_mpp,
        "read_mpp": spec.read_mpp,
        "downsample": spec.downsample,
        "objective": spec.objective,
        "step_px": spec.step_px,
        "read_px": spec.read_px,
        "step_level0": spec.step_level0,
    }


def known_spec_from_attributes(attributes: Mapping, slide_id: str) -> TileSpec:
    """The tile spec that attributes of `coords` hold.

    Raises:
        ContractError: They hold none.
    """
    spec = spec_from_attributes(attributes)
    if spec is None:
        raise ContractError(f"slide {slide_id}: its coords do not say how tiles are read")
    return spec


def spec_from_attributes(attributes: Mapping) -> TileSpec | None:
    """The tile spec that attributes of `coords` hold, or None if they hold none."""
    if "patch_size" not in attributes:
        return None
    return TileSpec(
        tile_px=attributes["patch_size"],
        step_px=attributes["step_px"],
        target_mpp=attributes["target_mpp"],
        slide_mpp=attributes["mpp"],
        level=attributes["patch_level"],
        downsample=attributes["downsample"],
        read_px=attributes["read_px"],
        size_level0=attributes["patch_size_level0"],
        step_level0=attributes["step_level0"],
        read_mpp=attributes["read_mpp"],
        objective=attributes.get("objective"),
    )


def _tidy(magnification: float) -> int | float:
    # TRIDENT writes whole magnifications as integers, and some readers compare them as such.
    rounded = round(magnification)
    return rounded if abs(magnification - rounded) < 0.01 * rounded else float(magnification)
