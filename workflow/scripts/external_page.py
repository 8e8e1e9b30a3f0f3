"""Write internal beside external as a page of the report."""

from pathlib import Path

from slidesieve.figures.external import external_page
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
external_page(
    read_csv(Path(snakemake.input.external)),
    read_csv(Path(snakemake.input.comparisons)),
    f"{snakemake.wildcards.dataset}: models from elsewhere",
    Path(snakemake.output.page),
)
