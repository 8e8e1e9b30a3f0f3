"""Score all models of a dataset before and after calibration on their validation parts."""

from pathlib import Path

from slidesieve.figures.calibration_page import calibration_page
from slidesieve.runtime.logs import log_to
from slidesieve.statistics.calibrated import calibration_table
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
params, inputs = snakemake.params, snakemake.input
predictions = {
    pair: read_csv(Path(path)) for pair, path in zip(params.models, inputs.predictions, strict=True)
}
validation = {pair: {} for pair in params.models}
for (pair, fold), path in zip(params.fits, inputs.validation, strict=True):
    validation[pair][fold] = read_csv(Path(path))
table = calibration_table(
    predictions,
    validation,
    params.classes,
    resamples=params.evaluation["bootstrap"],
    seed=params.evaluation["seed"],
)
write_csv(Path(snakemake.output.table), table)
title = f"{snakemake.wildcards.dataset}: calibration on the validation parts"
calibration_page(table, title, Path(snakemake.output.page))
