"""Score models from elsewhere on a cohort with labels, beside the cohort they are of."""

from pathlib import Path

from slidesieve.inference.ensemble import predictions_of_folds
from slidesieve.models.bundle import METRICS_FILE
from slidesieve.runtime.logs import log_to
from slidesieve.statistics.comparisons import comparisons_table
from slidesieve.statistics.external import external_metrics, external_summary, internal_external
from slidesieve.statistics.summary import summary_table
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
params, inputs, out = snakemake.params, snakemake.input, snakemake.output
draws = {"resamples": params.evaluation["bootstrap"], "seed": params.evaluation["seed"]}
pairs, classes = params.models, params.classes


def tables(files):
    """Read a table per (encoder, model)."""
    return {pair: read_csv(Path(file)) for pair, file in zip(pairs, files, strict=True)}


ensembles = tables(inputs.predictions)
by_fit = {pair: predictions_of_folds(table) for pair, table in tables(inputs.by_fit).items()}
if Path(inputs.internal[0]).name == METRICS_FILE:
    ((encoder, model),) = pairs
    internal = read_csv(Path(inputs.internal[0])).assign(encoder=encoder, model=model)
else:
    internal = summary_table(tables(inputs.internal), classes, **draws)
summary = external_summary(ensembles, by_fit, classes, **draws)
write_csv(Path(out.metrics), external_metrics(ensembles, by_fit, classes))
write_csv(Path(out.summary), summary)
write_csv(Path(out.external), internal_external(internal, summary))
write_csv(Path(out.comparisons), comparisons_table(ensembles, params.reference, classes, **draws))
