"""Record what the first fit of a model from elsewhere does to the tiles of a slide."""

from pathlib import Path

from slidesieve.inference.fits import load_fits_of
from slidesieve.inference.token_trace import tokens_fingerprint, trace_slide
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_features
from slidesieve.store.tokens import write_tokens

log_to(snakemake.log[0])
features = read_features(Path(snakemake.input.features))
fits = snakemake.params.fits
first = load_fits_of(fits["names"], snakemake.input.models, fits["bundle"])["fold_0"]
fingerprint = tokens_fingerprint(features, Path(snakemake.input.models[0]).parent)
tokens = trace_slide(first.model, features, snakemake.wildcards.model, 0, fingerprint)
write_tokens(Path(snakemake.output.tokens), tokens)
