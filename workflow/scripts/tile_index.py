"""List the tiles of a dataset; stop if too many slides are unusable or one stands there twice."""

from pathlib import Path

from slidesieve.cohort.repeats import refuse_repeats, slide_contents
from slidesieve.cohort.table import slides_so_far, tile_table
from slidesieve.figures.stopped_cohort import stop_if_too_many_failed
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import write_csv
from slidesieve.tissue.edits import read_drawn_tissue

log_to(snakemake.log[0])
params = snakemake.params
tiles = [Path(path) for path in snakemake.input.tiles]
tissue = [read_drawn_tissue(Path(path), Path(path).stem) for path in snakemake.input.tissue]
table = tile_table(slides_so_far(params.slides), tiles, tissue)
stop_if_too_many_failed(table, lambda: table, **params.stop)
refuse_repeats(table, slide_contents(table, tiles), "slide files")
write_csv(Path(snakemake.output.index), table)
