"""Score all models of a dataset on their out-of-fold predictions and compare them."""

from pathlib import Path

from slidesieve.evaluation.tables import metrics_table
from slidesieve.runtime.logs import log_to
from slidesieve.statistics.comparisons import comparisons_table
from slidesieve.statistics.summary import summary_table
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
params = snakemake.params
draws = {"resamples": params.evaluation["bootstrap"], "seed": params.evaluation["seed"]}
predictions = {
    pair: read_csv(Path(path))
    for pair, path in zip(params.models, snakemake.input.predictions, strict=True)
}
write_csv(Path(snakemake.output.metrics), metrics_table(predictions, params.classes))
write_csv(Path(snakemake.output.summary), summary_table(predictions, params.classes, **draws))
write_csv(
    Path(snakemake.output.comparisons),
    comparisons_table(predictions, params.reference, params.classes, **draws),
)
