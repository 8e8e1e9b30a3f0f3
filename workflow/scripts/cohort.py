"""Say what every slide is and what became of it."""

from pathlib import Path

from slidesieve.cohort.table import cohort_table, slides_so_far
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
slides = slides_so_far(snakemake.params.slides, snakemake.input.tiles)
indexes = [read_csv(Path(path)) for path in snakemake.input.indexes]
write_csv(Path(snakemake.output.cohort), cohort_table(slides, indexes))
