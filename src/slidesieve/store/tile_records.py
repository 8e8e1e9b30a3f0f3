"""Records of the tiles file: how tiles are read, and the tiles of one slide."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import ContractError


@dataclass(frozen=True)
class TileSpec:
    """How tiles of `tile_px × target_mpp` µm come from one slide.

    Attributes:
        tile_px: Side of a finished tile in px.
        step_px: From one tile to the next in finished px. Less than `tile_px` makes tiles
            overlap, more leaves gaps.
        target_mpp: µm per px of a finished tile.
        slide_mpp: µm per level-0 px.
        level: Pyramid level that is read.
        downsample: Level-0 px per px of that level.
        read_px: Side read on that level, then resized once to `tile_px`.
        size_level0: Side of a tile in level-0 px, rounded to whole ones.
        step_level0: Step in level-0 px, not rounded, so that the grid does not drift.
        read_mpp: µm per px of the level read.
        objective: Objective power as the slide states it.
    """

    tile_px: int
    step_px: int
    target_mpp: float
    slide_mpp: float
    level: int
    downsample: float
    read_px: int
    size_level0: int
    step_level0: float
    read_mpp: float
    objective: float | None = None

    @property
    def overlap_px(self) -> int:
        """Finished px that neighbours share; negative where the step leaves gaps."""
        return self.tile_px - self.step_px

    @property
    def tile_um(self) -> float:
        """Side of a tile in µm, as asked for."""
        return self.tile_px * self.target_mpp

    @property
    def as_read(self) -> TileSpec:
        """The same tiles as they lie on their level, for an encoder that resizes them itself."""
        step_px = round(self.step_level0 / self.downsample)
        return replace(self, tile_px=self.read_px, step_px=step_px, target_mpp=self.read_mpp)


@dataclass(frozen=True)
class TileSet:
    """The tiles of a slide, or why there are none: what the tiles file holds.

    Attributes:
        slide_id: The slide.
        coords: Top-left corners x, y in level-0 px, int64 (N, 2), row after row.
        spec: How tiles are read; None when the slide cannot be used.
        width: Width of level 0 in px, 0 when unknown.
        height: Height of level 0 in px.
        status: "ok", "empty" or "failed".
        reason: Why not "ok"; "" otherwise.
        fingerprint: Of the slide's file, see `slide_fingerprint`.
        mpp_source: "sheet", "slide", "config", "objective" or "".
        vendor: Format of the slide.
        reader: Name of the reader.
        level_count: Pyramid levels.
        tissue_area_mm2: Area of the tissue polygons.
        n_contours: Pieces of tissue.
        objective: Objective power as the slide states it.
        warnings: What a person should look at although the slide is usable; "" otherwise.
    """

    slide_id: str
    coords: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), np.int64))
    spec: TileSpec | None = None
    width: int = 0
    height: int = 0
    status: str = "ok"
    reason: str = ""
    fingerprint: str = ""
    mpp_source: str = ""
    vendor: str = ""
    reader: str = ""
    level_count: int = 0
    tissue_area_mm2: float = 0.0
    n_contours: int = 0
    objective: float | None = None
    warnings: str = ""

    @property
    def known_spec(self) -> TileSpec:
        """How tiles are read, of a slide that can be used.

        Raises:
            ContractError: There is no spec.
        """
        if self.spec is None:
            raise ContractError(f"slide {self.slide_id}: no tile spec ({self.status})")
        return self.spec
