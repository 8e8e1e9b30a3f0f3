"""Draw the audit of one selector."""

from pathlib import Path

from slidesieve.figures.selector_panels import selector_figure
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
names = snakemake.wildcards
selector_figure(
    read_csv(Path(snakemake.input.audit)),
    [read_csv(Path(path)) for path in snakemake.input.histories],
    f"{names.dataset}: audit of {names.model} on {names.encoder}",
    Path(snakemake.output.figure),
)
