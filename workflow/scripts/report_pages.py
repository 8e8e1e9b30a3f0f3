"""Write the tables of the report as pages."""

from pathlib import Path

from slidesieve.figures.table_pages import cost_page, summary_page
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
name = snakemake.wildcards.dataset
summary, comparisons, cost, fits = (
    read_csv(Path(snakemake.input[table])) for table in ("summary", "comparisons", "cost", "fits")
)
summary_page(summary, comparisons, cost, fits, f"{name}: results", Path(snakemake.output.summary))
cost_page(cost, f"{name}: cost", Path(snakemake.output.cost))
