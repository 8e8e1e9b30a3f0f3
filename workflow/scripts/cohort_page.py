"""Write the cohort table as a page of the report."""

from pathlib import Path

from slidesieve.figures.table_pages import cohort_page
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
cohort = read_csv(Path(snakemake.input.cohort))
cohort_page(cohort, f"{snakemake.wildcards.dataset}: slides", Path(snakemake.output.page))
