"""Compare each model on every encoder with itself on the first."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.statistics.comparisons import encoder_comparisons_table
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
params = snakemake.params
predictions = {
    pair: read_csv(Path(path))
    for pair, path in zip(params.models, snakemake.input.predictions, strict=True)
}
table = encoder_comparisons_table(
    predictions,
    params.classes,
    resamples=params.evaluation["bootstrap"],
    seed=params.evaluation["seed"],
)
write_csv(Path(snakemake.output.comparisons), table)
