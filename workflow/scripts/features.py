"""Encode the tiles of one slide."""

from pathlib import Path

from slidesieve.cohort.quarantine import refuse_failed
from slidesieve.encoders.registry import load_encoder
from slidesieve.extraction import extract_features
from slidesieve.logs import log_to
from slidesieve.store.features import write_features
from slidesieve.store.tiles import read_tiles

log_to(snakemake.log[0])
slide = snakemake.params.slide
encoder = load_encoder(slide["encoder"])
if not encoder.runs_in_workers:  # it computes with torch, which others need not load
    from slidesieve.devices import set_threads

    set_threads(snakemake.threads)
features = extract_features(
    Path(slide["path"]),
    read_tiles(Path(snakemake.input.tiles)),
    encoder,
    workers=snakemake.threads,
)
refuse_failed(features, slide["on_slide_error"])
write_features(Path(snakemake.output.features), features)
