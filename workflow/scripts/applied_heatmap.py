"""Draw where the fits of a model from elsewhere looked on a slide, on the average."""

from pathlib import Path

from slidesieve.figures.slide_heatmap import write_slide_heatmap
from slidesieve.inference.attention import mean_attention, slide_attention
from slidesieve.inference.fits import load_fits_of
from slidesieve.models.bundle import FINAL
from slidesieve.runtime.logs import log_to
from slidesieve.store.features import read_features

log_to(snakemake.log[0])
params = snakemake.params
features = read_features(Path(snakemake.input.features))
fits = load_fits_of(params.fits["names"], snakemake.input.models, params.fits["bundle"])
fits.pop(FINAL, None)  # the prediction is the mean of the others
attention = mean_attention([slide_attention(fit.model, features) for fit in fits.values()])
write_slide_heatmap(
    Path(snakemake.output.heatmap),
    Path(params.path),
    features,
    attention,
    f"{snakemake.wildcards.slide}: attention of {params.model}, mean of {len(fits)} fits",
)
