"""Slides made for one test: real files that OpenSlide opens, with whatever is wrong wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from hypothesis import settings

# A deadline would assert wall-clock speed, on machines that others use too.
settings.register_profile("slidesieve", deadline=None)
settings.load_profile("slidesieve")

SlideMaker = Callable[..., Path]


@pytest.fixture(scope="session")
def cmu(shared_data: Path) -> Path:
    """A small real slide: Aperio, JPEG, one level."""
    return shared_data / "slides" / "CMU-1-Small-Region.svs"


@pytest.fixture
def make_slide(tmp_path: Path) -> SlideMaker:
    """Write an Aperio-like JPEG pyramid from an RGB array.

    `damaged` names (level, tile number) pairs whose compressed bytes are overwritten.
    """

    def make(
        rgb: np.ndarray,
        mpp: str | None = "0.5",
        downsamples: tuple[int, ...] = (1,),
        damaged: Iterable[tuple[int, int]] = (),
        objective: str | None = "20",
        name: str = "slide.svs",
    ) -> Path:
        path = tmp_path / name
        facts = {"AppMag": objective, "MPP": mpp}
        stated = "|".join(f"{key} = {value}" for key, value in facts.items() if value is not None)
        with tifffile.TiffWriter(path) as tiff:
            for step in downsamples:
                size = (rgb.shape[1] // step, rgb.shape[0] // step)
                level = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
                tiff.write(
                    level,
                    tile=(256, 256),
                    compression="jpeg",
                    compressionargs={"level": 95},
                    photometric="rgb",
                    description=f"Aperio Image Library v12\r\n|{stated}",
                    metadata=None,
                    software=False,
                )
        _overwrite(path, damaged)
        return path

    return make


def _overwrite(path: Path, damaged: Iterable[tuple[int, int]]) -> None:
    with tifffile.TiffFile(path) as tiff:
        spans = [
            (tiff.pages[level].dataoffsets[tile], tiff.pages[level].databytecounts[tile])
            for level, tile in damaged
        ]
    with path.open("r+b") as file:
        for offset, length in spans:
            file.seek(offset)
            file.write(bytes(length))


@pytest.fixture(scope="session")
def stained() -> np.ndarray:
    """RGB (2048, 3072, 3): pale glass with one pink rectangle, rows 512-1536, columns 1024-2560."""
    noise = np.random.default_rng(0).integers(-4, 5, (2048, 3072, 1))
    rgb = np.full((2048, 3072, 3), (243, 241, 244))
    rgb[512:1536, 1024:2560] = (205, 130, 175)
    stained = np.clip(rgb + noise, 0, 255).astype(np.uint8)
    stained.flags.writeable = False
    return stained
