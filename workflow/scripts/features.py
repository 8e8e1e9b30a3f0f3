"""Encode the tiles of some slides with an encoder that is loaded once."""

from pathlib import Path

from slidesieve.encoders.registry import load_encoder
from slidesieve.extraction.jobs import SlideTask, extract_slides
from slidesieve.runtime.logs import log_to

log_to(snakemake.log[0])
shard = snakemake.params.shard
encoder = load_encoder(shard["encoder"])
if not encoder.runs_in_workers:  # it computes with torch, which others need not load
    from slidesieve.runtime.devices import set_threads

    set_threads(snakemake.threads)
tasks = [
    SlideTask(slide_id, Path(path), Path(tiles), Path(out))
    for (slide_id, path), tiles, out in zip(
        snakemake.params.slides.paths.items(),
        snakemake.input.tiles,
        snakemake.output.features,
        strict=True,
    )
]
extract_slides(tasks, encoder, shard["on_slide_error"], workers=snakemake.threads)
