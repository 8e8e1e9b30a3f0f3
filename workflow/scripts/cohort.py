"""Say what every slide is and what became of it."""

from pathlib import Path

import pandas as pd

from slidesieve.cohort.table import cohort_table
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.tissue.geojson import read_tissue

log_to(snakemake.log[0])
inputs = snakemake.input
slides = pd.DataFrame(snakemake.params.slides, columns=["slide_id", "patient_id", "label", "path"])
# Datasets that start from ready-made features have neither tiles nor tissue.
ids = slides["slide_id"] if inputs.tiles else []
table = cohort_table(
    slides,
    tiles=dict(zip(ids, map(Path, inputs.tiles), strict=True)),
    indexes=[read_csv(Path(path)) for path in inputs.indexes],
    tissue={i: read_tissue(Path(path)) for i, path in zip(ids, inputs.tissue, strict=True)},
)
write_csv(Path(snakemake.output.cohort), table)
