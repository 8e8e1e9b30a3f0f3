"""Say of every slide what it is and what became of it."""

from pathlib import Path

import pandas as pd

from slidesieve.cohort.table import cohort_table
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.tissue.geojson import read_tissue

log_to(snakemake.log[0])
slides = pd.DataFrame(snakemake.params.slides, columns=["slide_id", "patient_id", "label", "path"])
tissue = {path.stem: read_tissue(path) for path in map(Path, snakemake.input.tissue)}
table = cohort_table(
    slides,
    tiles={path.stem: path for path in map(Path, snakemake.input.tiles)},
    indexes=[read_csv(Path(path)) for path in snakemake.input.indexes],
    tissue=tissue,
)
write_csv(Path(snakemake.output.cohort), table)
