"""Segment the tissue of one slide, unless a user has drawn it."""

import os
from pathlib import Path

from slidesieve.cohort.quarantine import refuse_failed
from slidesieve.runtime.logs import log_to
from slidesieve.tissue.edits import holds_edit
from slidesieve.tissue.geojson import write_tissue
from slidesieve.tissue.packed import take_packed_outline
from slidesieve.tissue.params import TissueParams
from slidesieve.tissue.segment import segment_slide

log_to(snakemake.log[0])
geojson = Path(snakemake.output.geojson)
slide = snakemake.params.slide
take_packed_outline(geojson)
if holds_edit(geojson):
    # Snakemake wants outputs younger than inputs; the user's words stay as they are.
    os.utime(geojson)
else:
    params = TissueParams.from_mapping(slide["tissue"])
    result = segment_slide(
        Path(slide["path"]),
        snakemake.wildcards.slide,
        params,
        **slide["scale"],
        outline_origin=slide["outline_origin"],
    )
    refuse_failed(result, slide["on_slide_error"])
    write_tissue(geojson, result)
