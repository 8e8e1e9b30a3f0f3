"""Write a dataset's part of the first page of the report."""

from pathlib import Path

from slidesieve.figures.headline import write_headline
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
files = snakemake.input
write_headline(
    read_csv(Path(files.cohort)),
    read_csv(Path(files.summary)),
    [Path(path) for path in files.figures],
    snakemake.wildcards.dataset,
    Path(snakemake.output.headline),
)
