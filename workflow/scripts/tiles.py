"""Lay the tile grid over the tissue of one slide and draw both."""

from pathlib import Path

from slidesieve.cohort.quarantine import refuse_failed
from slidesieve.figures.tissue_overview import write_overview
from slidesieve.logs import log_to
from slidesieve.store.tiles import write_tiles
from slidesieve.tiling.stage import TileSettings, tile_slide
from slidesieve.tissue.edits import read_drawn_tissue

log_to(snakemake.log[0])
params = snakemake.params
path = Path(params.path)
tissue = read_drawn_tissue(Path(snakemake.input.geojson), snakemake.wildcards.slide)
tiles = tile_slide(
    path,
    snakemake.wildcards.slide,
    tissue,
    TileSettings(
        tile_px=params.tile_px,
        target_mpp=params.target_mpp,
        step_px=params.step_px or params.tile_px,
        min_tissue_fraction=params.min_tissue_fraction,
        max_upsampling=params.max_upsampling,
    ),
    sheet_mpp=params.mpp,
    config_mpp=params.assume_mpp,
    use_objective=params.mpp_from_objective,
)
refuse_failed(tiles, params.on_slide_error)
write_overview(Path(snakemake.output.overview), path, tissue, tiles)
write_tiles(Path(snakemake.output.tiles), tiles)
