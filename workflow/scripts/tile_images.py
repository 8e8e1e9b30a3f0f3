"""Keep the tiles of one slide as JPEGs in a ZIP."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.tiles import read_tiles
from slidesieve.tiling.images import write_tile_images

log_to(snakemake.log[0])
write_tile_images(
    Path(snakemake.params.path),
    read_tiles(Path(snakemake.input.tiles)),
    Path(snakemake.output.images),
    workers=snakemake.threads,
)
