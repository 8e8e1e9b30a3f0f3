"""Draw the folds of a dataset, or check those the user gives."""

from pathlib import Path

import pandas as pd

from slidesieve.runtime.logs import log_to
from slidesieve.splits.folds import check_folds, make_folds
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
params = snakemake.params
slides = pd.DataFrame(params.slides, columns=["slide_id", "patient_id", "label"])
if snakemake.input.file:
    folds = read_csv(Path(snakemake.input.file))
else:
    settings = {key: value for key, value in params.folds.items() if key != "file"}
    folds = make_folds(slides, **settings)
check_folds(folds, slides, params.classes)
write_csv(Path(snakemake.output.folds), folds)
