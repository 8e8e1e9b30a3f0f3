"""Tiles at a true scale: their spec, their grid and how one is read."""

from slidesieve.tiling.grid import tile_grid
from slidesieve.tiling.spec import choose_tile_spec, read_tile
from slidesieve.tiling.tile import TileSettings, tile_slide

__all__ = ["TileSettings", "choose_tile_spec", "read_tile", "tile_grid", "tile_slide"]
