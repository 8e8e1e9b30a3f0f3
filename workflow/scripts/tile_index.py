"""List the tiles of a dataset; stop if too many slides are unusable, before they are encoded."""

from pathlib import Path

import pandas as pd

from slidesieve.cohort.quarantine import refuse_too_many_failed
from slidesieve.cohort.table import cohort_table
from slidesieve.errors import SlideError
from slidesieve.figures.table_pages import cohort_page
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import write_csv
from slidesieve.tissue.geojson import read_tissue

log_to(snakemake.log[0])
params, inputs = snakemake.params, snakemake.input
slides = pd.DataFrame(params.slides, columns=["slide_id", "patient_id", "label", "path"])
ids = slides["slide_id"]
tiles = dict(zip(ids, map(Path, inputs.tiles), strict=True))
tissue = {i: read_tissue(Path(path)) for i, path in zip(ids, inputs.tissue, strict=True)}
table = cohort_table(slides, tiles, indexes=[], tissue=tissue)
try:
    refuse_too_many_failed(table, params.max_failed_fraction)
except SlideError:
    # The cohort table and its page say why the run stopped.
    write_csv(Path(params.cohort), table)
    cohort_page(table, f"{snakemake.wildcards.dataset}: slides", Path(params.page))
    raise
write_csv(Path(snakemake.output.index), table)
