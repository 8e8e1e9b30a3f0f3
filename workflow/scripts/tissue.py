"""Segment the tissue of one slide, unless a user has drawn it."""

import os
from pathlib import Path

from slidesieve.cohort.quarantine import refuse_failed
from slidesieve.logs import log_to
from slidesieve.tissue.edits import holds_edit
from slidesieve.tissue.geojson import write_tissue
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.stage import segment_slide

log_to(snakemake.log[0])
geojson = Path(snakemake.output.geojson)
params = snakemake.params
if holds_edit(geojson):
    # Snakemake wants outputs younger than inputs; the user's words stay as they are.
    os.utime(geojson)
else:
    result = segment_slide(
        Path(params.path),
        snakemake.wildcards.slide,
        TissueParams.from_mapping(params.tissue),
        sheet_mpp=params.mpp,
        config_mpp=params.assume_mpp,
        use_objective=params.mpp_from_objective,
    )
    refuse_failed(result, params.on_slide_error)
    write_tissue(geojson, result)
