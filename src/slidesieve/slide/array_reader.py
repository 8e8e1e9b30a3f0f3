"""Slides whose levels are arrays: pictures held in memory (PNG, JPEG), and OME-Zarr."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from slidesieve.errors import TileReadError
from slidesieve.slide.base import DeclinedError, SlideReader
from slidesieve.slide.levels import take_levels
from slidesieve.slide.scale import stated_mpp

LARGEST_PICTURE_PX = 100_000_000
"""Most px of a PNG or JPEG: it is held in memory, 3 bytes per px."""
_UM_PER_INCH = 25_400.0
_UM_PER_UNIT = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3}


class ArrayReader(SlideReader):
    """Levels that can be sliced like arrays (height, width, 3); threads may share it."""

    may_be_shared = True
    background = (255, 255, 255)
    objective = None

    def _take(self, levels: Sequence[Any], mpp_x: str | None, mpp_y: str | None) -> None:
        """Set what is known of the slide: its levels, the finest first, and its scale."""
        self._levels = list(levels)
        self.mpp, self.mpp_note = stated_mpp(mpp_x, mpp_y)
        sizes = [(level.shape[1], level.shape[0]) for level in levels]
        take_levels(self, sizes, [(1, 1)] * len(levels))

    def _read_into(
        self, region: NDArray[np.uint8], x_stated: int, y_stated: int, level: int
    ) -> None:
        step = self.stated_downsamples[level]
        x, y = round(x_stated / step), round(y_stated / step)
        height, width = region.shape[:2]
        left, top = max(0, x), max(0, y)
        try:
            rows = slice(top, max(top, y + height))
            found = np.asarray(self._levels[level][rows, left : max(left, x + width)])
        except Exception as error:
            # Chunks of Zarr are decoded here, by codecs with errors of their own.
            raise TileReadError(
                f"{width}×{height} px of level {level} at level-0 ({x_stated}, {y_stated}) cannot "
                f"be decoded: {error!r:.200}"
            ) from error
        region[:] = self.background
        region[top - y : top - y + found.shape[0], left - x : left - x + found.shape[1]] = found

    def close(self) -> None:
        """Release the levels."""
        self._levels = []


class PictureReader(ArrayReader):
    """A PNG or JPEG, decoded once and held in memory.

    Raises:
        DeclinedError: It is neither, larger than `LARGEST_PICTURE_PX`, or damaged.
    """

    name = "picture"

    def __init__(self, path: Path) -> None:
        try:
            with Image.open(path, formats=("PNG", "JPEG")) as picture:
                width, height = picture.size
                if width * height > LARGEST_PICTURE_PX:
                    raise DeclinedError(
                        f"it is a {picture.format} of {width}×{height} px, more than "
                        f"{LARGEST_PICTURE_PX // 1_000_000} million; convert it to a tiled pyramid"
                    )
                self.vendor = str(picture.format).lower()
                dots = picture.info.get("dpi") or (0, 0)
                rgb = np.asarray(_on_white(picture))
        except DeclinedError:
            raise
        except Exception as error:
            raise DeclinedError(f"it is no whole PNG or JPEG ({error})") from error
        scale = [f"{_UM_PER_INCH / float(dpi):.8g}" if dpi else None for dpi in dots]
        self._take([rgb], scale[0], scale[1])


class ZarrReader(ArrayReader):
    """An OME-Zarr folder with 8-bit RGB levels.

    Raises:
        DeclinedError: It is none, or the package zarr is not installed.
    """

    name = "ome-zarr"
    vendor = "ome-zarr"

    def __init__(self, path: Path) -> None:
        if not is_zarr(path):
            raise DeclinedError("it is no OME-Zarr folder")
        if find_spec("zarr") is None:
            raise DeclinedError(
                "it is an OME-Zarr, which needs the package zarr: pip install 'slidesieve[formats]'"
            )
        import zarr

        try:
            group = zarr.open_group(path, mode="r")
            image = _multiscale(dict(group.attrs))
            sets = image["datasets"]
            levels = [_RgbView(group[entry["path"]], image["axes"]) for entry in sets]
            scale = _zarr_scale(image, sets[0])
        except DeclinedError:
            raise
        except Exception as error:
            raise DeclinedError(f"its OME-Zarr metadata is damaged ({error!r:.200})") from error
        self._take(levels, *scale)


def is_zarr(path: Path) -> bool:
    """Whether a folder is a Zarr group."""
    return path.is_dir() and any((path / name).is_file() for name in (".zgroup", "zarr.json"))


class _RgbView:
    """A Zarr array of any axes seen as (height, width, 3): its first plane."""

    def __init__(self, array: Any, axes: Sequence[Any]) -> None:  # noqa: ANN401 -- zarr's
        names = [axis["name"] if isinstance(axis, dict) else axis for axis in axes]
        self._array, self._names = array, names
        sizes = dict(zip(names, array.shape, strict=True))
        if array.dtype != np.uint8 or sizes.get("c", 1) not in (1, 3, 4):
            raise DeclinedError(
                f"its pixels have {sizes.get('c', 1)} channels of {array.dtype}, not 8-bit RGB"
            )
        self.shape = (sizes["y"], sizes["x"], 3)
        self._lock = threading.Lock()

    def __getitem__(self, where: tuple[slice, slice]) -> NDArray[np.uint8]:
        place = {"y": where[0], "x": where[1], "c": slice(None)}
        with self._lock:
            found = np.asarray(self._array[tuple(place.get(name, 0) for name in self._names)])
        left = [name for name in self._names if name in place]
        if "c" not in left:
            found, left = found[..., None], [*left, "c"]
        found = np.moveaxis(found, [left.index(name) for name in "yxc"], [0, 1, 2])
        return np.repeat(found, 3, axis=2) if found.shape[2] == 1 else found[..., :3]


def _multiscale(attributes: dict[str, Any]) -> dict[str, Any]:
    attributes = attributes.get("ome", attributes)
    if not attributes.get("multiscales"):
        raise DeclinedError(f"its group has no multiscales ({json.dumps(list(attributes)):.100})")
    return attributes["multiscales"][0]


def _zarr_scale(image: dict[str, Any], first: dict[str, Any]) -> tuple[str | None, str | None]:
    """µm per px across and down, None where not stated in units of length."""
    scales = [t["scale"] for t in first.get("coordinateTransformations", ()) if "scale" in t]
    scales += [t["scale"] for t in image.get("coordinateTransformations", ()) if "scale" in t]
    found: list[str | None] = []
    for name in "xy":
        number, axis = next(
            (pair for pair in enumerate(image["axes"]) if _name(pair[1]) == name), (0, {})
        )
        unit = _UM_PER_UNIT.get(axis.get("unit", "")) if isinstance(axis, dict) else None
        sizes = [scale[number] for scale in scales]
        found.append(f"{unit * float(np.prod(sizes)):.8g}" if unit and sizes else None)
    return found[0], found[1]


def _name(axis: Any) -> str:  # noqa: ANN401 -- read JSON
    return axis["name"] if isinstance(axis, dict) else axis


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        rgba = picture.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    if picture.mode.startswith(("I", "F")):
        raise DeclinedError(f"its pixels are of mode {picture.mode}, not 8-bit RGB")
    return picture.convert("RGB")
