"""Put the results of models in the shape of the paper's table, the paper's numbers beside ours."""

from pathlib import Path

from slidesieve.figures.paper_table_page import paper_table_page
from slidesieve.figures.paper_table_plot import paper_table_plot
from slidesieve.paper_tables.table import paper_table
from slidesieve.runtime.logs import log_to
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
spec, name = snakemake.params.paper_table, snakemake.wildcards.dataset
whose = "demo (painted slides)" if name == "demo" else name
summary, comparisons, cost = (
    read_csv(Path(snakemake.input[table])) for table in ("summary", "comparisons", "cost")
)
predictions = {
    pair: read_csv(Path(path))
    for pair, path in zip(snakemake.params.models, snakemake.input.predictions, strict=True)
}
table = paper_table(spec, summary, comparisons, cost, predictions)
write_csv(Path(snakemake.output.table), table)
paper_table_plot(spec, table, whose, Path(snakemake.output.figure))
paper_table_page(spec, table, snakemake.params.recipe, whose, Path(snakemake.output.page))
record_sha256(Path(snakemake.output.table))
