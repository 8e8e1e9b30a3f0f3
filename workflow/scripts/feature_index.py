"""List the features of a dataset and stop if too many slides are unusable."""

from pathlib import Path

import pandas as pd

from slidesieve.cohort.quarantine import refuse_too_many_failed
from slidesieve.cohort.table import cohort_table
from slidesieve.errors import SlideError
from slidesieve.extraction.index import index_features
from slidesieve.figures.table_pages import cohort_page
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import write_csv
from slidesieve.tissue.geojson import read_tissue

log_to(snakemake.log[0])
params, inputs = snakemake.params, snakemake.input
slides = pd.DataFrame(params.slides, columns=["slide_id", "patient_id", "label", "path"])
paths = {slide_id: Path(path) for slide_id, path in params.features.items()}
index = index_features(slides["slide_id"].tolist(), paths)
try:
    refuse_too_many_failed(index, params.max_failed_fraction)
except SlideError:
    # The cohort table and its page say why the run stopped.
    tiles = dict(zip(slides["slide_id"], map(Path, inputs.tiles), strict=False))
    tissue = {
        i: read_tissue(Path(p)) for i, p in zip(slides["slide_id"], inputs.tissue, strict=False)
    }
    table = cohort_table(slides, tiles, [index], tissue)
    write_csv(Path(params.cohort), table)
    cohort_page(table, f"{snakemake.wildcards.dataset}: slides", Path(params.page))
    raise
write_csv(Path(snakemake.output.index), index)
