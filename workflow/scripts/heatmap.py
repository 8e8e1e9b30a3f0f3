"""Draw where a model looked on a slide it was not trained on."""

from pathlib import Path

from slidesieve.figures.slide_heatmap import write_slide_heatmap
from slidesieve.inference.attention import slide_attention, tested_fold
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv
from slidesieve.training.fitted import load_model

log_to(snakemake.log[0])
names = snakemake.wildcards
features = read_features(Path(snakemake.input.features))
fold = tested_fold(read_csv(Path(snakemake.input.folds)), names.slide)
fitted = load_model(Path(snakemake.input.models[fold]).parent)
attention = slide_attention(fitted.model, features)
write_slide_heatmap(
    Path(snakemake.output.heatmap),
    Path(snakemake.params.path),
    features,
    attention,
    f"{names.slide}: attention of {snakemake.params.model}, fitted without this patient",
)
