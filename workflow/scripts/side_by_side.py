"""Draw one slide under several models side by side."""

from pathlib import Path

from slidesieve.figures.tokens.slide_pages import write_token_grid
from slidesieve.runtime.logs import log_to
from slidesieve.store.tokens import read_tokens

log_to(snakemake.log[0])
of_models = [read_tokens(Path(path)) for path in snakemake.input.tokens]
write_token_grid(Path(snakemake.output.grid), Path(snakemake.params.path), of_models)
