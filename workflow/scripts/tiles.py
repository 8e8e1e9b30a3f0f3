"""Lay the tile grid over the tissue of one slide and draw both."""

from pathlib import Path

from slidesieve.cohort.quarantine import refuse_failed
from slidesieve.figures.tissue_overview import write_overview
from slidesieve.runtime.logs import log_to
from slidesieve.store.tiles import write_tiles
from slidesieve.tiling.settings import TileSettings
from slidesieve.tiling.tile import tile_slide
from slidesieve.tissue.edits import read_drawn_tissue

log_to(snakemake.log[0])
slide = snakemake.params.slide
path, slide_id = Path(slide["path"]), snakemake.wildcards.slide
tissue = read_drawn_tissue(Path(snakemake.input.geojson), slide_id, slide["outline_origin"])
settings = TileSettings(**slide["tiles"])
tiles = tile_slide(path, slide_id, tissue, settings, **slide["scale"])
refuse_failed(tiles, slide["on_slide_error"])
write_overview(Path(snakemake.output.overview), path, tissue, tiles)
write_tiles(Path(snakemake.output.tiles), tiles)
