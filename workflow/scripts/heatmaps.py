"""Draw where a model looked on some slides that it was not trained on."""

from pathlib import Path

from slidesieve.figures.attention_scale import ATTENTION_SCALES
from slidesieve.figures.slide_heatmap import prediction_words, slides_to_show, write_slide_heatmap
from slidesieve.inference.fits import attention_of_folds
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_features
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
params, out = snakemake.params, Path(snakemake.output.heatmaps)
cohort, index, predictions = (
    read_csv(Path(snakemake.input[table])) for table in ("cohort", "index", "predictions")
)
features_of = index.set_index("slide_id")["path"]
attention_of = attention_of_folds(snakemake.input.models)
out.mkdir(parents=True, exist_ok=True)
for _, slide in slides_to_show(cohort, predictions, params.per_class).iterrows():
    features = read_features(Path(features_of[slide["slide_id"]]))
    write_slide_heatmap(
        out / f"{slide['slide_id']}.jpg",
        Path(slide["path"]),
        features,
        attention_of(slide["fold"], features),
        ATTENTION_SCALES[params.scale],
        f"{slide['slide_id']}: attention of {params.model}, fitted without this patient",
        prediction_words(slide),
    )
