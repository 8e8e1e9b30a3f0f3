"""List the features of a dataset and stop if too many slides are unusable."""

from pathlib import Path

from slidesieve.cohort.quarantine import refuse_too_many_failed
from slidesieve.extraction.index import index_features
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import write_csv

log_to(snakemake.log[0])
params = snakemake.params
paths = {path.stem: path for path in map(Path, snakemake.input.features)}
index = index_features(params.slides, paths)
by_slide = index.set_index("slide_id")
refuse_too_many_failed(by_slide["status"], by_slide["reason"], params.max_failed_fraction)
write_csv(Path(snakemake.output.index), index)
