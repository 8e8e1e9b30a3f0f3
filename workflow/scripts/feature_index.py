"""List the features of a dataset and stop if too many slides are unusable."""

from pathlib import Path

from slidesieve.cohort.quarantine import refuse_any_failed
from slidesieve.cohort.repeats import refuse_repeats
from slidesieve.cohort.table import cohort_table, slides_so_far
from slidesieve.extraction.index import header_of_ready, index_features
from slidesieve.figures.stopped_cohort import stop_if_too_many_failed
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_feature_header
from slidesieve.store.tables import write_csv

log_to(snakemake.log[0])
params = snakemake.params
paths = {slide_id: Path(path) for slide_id, path in params.features.items()}
slides = slides_so_far(params.slides, snakemake.input.tiles)
header_of = header_of_ready if params.ready else read_feature_header
index = index_features(slides["slide_id"].tolist(), paths, header_of)
refuse_any_failed(index, params.on_slide_error)
stop_if_too_many_failed(index, lambda: cohort_table(slides, [index]), **params.stop)
content = index.set_index("slide_id")["features_sha256"].to_dict()
refuse_repeats(slides, content, "features files")
write_csv(Path(snakemake.output.index), index)
