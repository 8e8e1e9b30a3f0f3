"""Record what a model's reducer does to the tiles of a slide it was not trained on."""

from pathlib import Path

from slidesieve.inference.attention import tested_fold
from slidesieve.inference.token_trace import tokens_fingerprint, trace_slide
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv
from slidesieve.store.tokens import write_tokens
from slidesieve.training.fitted import load_model

log_to(snakemake.log[0])
names = snakemake.wildcards
features = read_features(Path(snakemake.input.features))
fold = tested_fold(read_csv(Path(snakemake.input.folds)), names.slide)
folder = Path(snakemake.input.models[fold]).parent
model = load_model(folder).model
fingerprint = tokens_fingerprint(features, folder)
tokens = trace_slide(model, features, names.model, fold, fingerprint)
write_tokens(Path(snakemake.output.tokens), tokens)
