"""Write the scores of slide question answering as a page of the report."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv
from slidesieve.vqa.scores_page import scores_page

log_to(snakemake.log[0])
scores_page(
    read_csv(Path(snakemake.input.scores)),
    read_csv(Path(snakemake.input.comparisons)),
    f"{snakemake.wildcards.dataset}: questions about slides",
    Path(snakemake.output.page),
)
