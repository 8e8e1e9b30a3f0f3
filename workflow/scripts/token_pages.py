"""Draw the tokens of one model on one slide, and write them for QuPath."""

from pathlib import Path

from slidesieve.figures.tokens.qupath import origin_of_slide, write_token_geojson
from slidesieve.figures.tokens.slide_pages import write_token_pages
from slidesieve.runtime.logs import log_to
from slidesieve.store.tokens import read_tokens

log_to(snakemake.log[0])
out = snakemake.output
slide = Path(snakemake.params.path)
tokens = read_tokens(Path(snakemake.input.tokens))
write_token_pages(Path(out.map), Path(out.gallery), slide, tokens)
origin = origin_of_slide(slide, snakemake.params.outline_origin)
write_token_geojson(Path(out.geojson), tokens, origin)
