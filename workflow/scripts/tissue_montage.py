"""Put the tissue overviews of a dataset on one sheet."""

from pathlib import Path

from slidesieve.figures.montage import montage_figure
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
columns = ["slide_id", "status", "reason", "n_tiles"]
cohort = read_csv(Path(snakemake.input.cohort), required=columns)
montage_figure(
    cohort,
    dict(zip(snakemake.params.slides, map(Path, snakemake.input.overviews), strict=True)),
    f"{snakemake.wildcards.dataset}: tissue and tiles",
    Path(snakemake.output.montage),
)
