"""Put a study's results in the shape of the paper's table, the paper's numbers beside ours."""

from pathlib import Path

from slidesieve.figures.paper_table_page import study_page
from slidesieve.figures.paper_table_plot import study_plot
from slidesieve.paper_tables.table import study_table
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
study, name = snakemake.params.study, snakemake.wildcards.dataset
whose = "demo (painted slides)" if name == "demo" else name
summary, comparisons, cost = (
    read_csv(Path(snakemake.input[table])) for table in ("summary", "comparisons", "cost")
)
predictions = {
    (path.parent.name, path.stem): read_csv(path) for path in map(Path, snakemake.input.predictions)
}
table = study_table(study, summary, comparisons, cost, predictions)
write_csv(Path(snakemake.output.table), table)
study_plot(study, table, whose, Path(snakemake.output.figure))
study_page(study, table, whose, Path(snakemake.output.page))
