"""Score models from elsewhere on a cohort with labels, beside the cohort they are of."""

from pathlib import Path

from slidesieve.inference.external_tables import ExternalFiles, external_tables
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import write_csv

log_to(snakemake.log[0])
params, inputs, out = snakemake.params, snakemake.input, snakemake.output
made_of = (inputs.predictions, inputs.by_fit, inputs.internal)
files = ExternalFiles(params.models, *([Path(path) for path in paths] for paths in made_of))
made = external_tables(files, params.classes, params.reference, params.evaluation)
for name in ("metrics", "summary", "comparisons", "external"):
    write_csv(Path(out[name]), getattr(made, name))
