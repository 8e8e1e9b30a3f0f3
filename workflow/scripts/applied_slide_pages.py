"""Write pages of slides, and of errors, with the mean attention of models from elsewhere."""

from pathlib import Path

from slidesieve.figures.slides.write import SlidePages, write_slide_pages
from slidesieve.inference.fits import attention_of_ensemble, load_ensemble_of
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
params = snakemake.params
fits = load_ensemble_of(params.fits["names"], snakemake.input.models, params.fits["bundle"])
attention_of = attention_of_ensemble(fits)
wanted = SlidePages(
    pages=Path(snakemake.output.pages),
    errors=Path(snakemake.output.errors),
    title=f"{snakemake.wildcards.dataset}: errors on {snakemake.wildcards.encoder}",
    cohort=read_csv(Path(snakemake.input.cohort)),
    index=read_csv(Path(snakemake.input.index)),
    predictions={Path(file).stem: read_csv(Path(file)) for file in snakemake.input.predictions},
    **params.pages,
)
write_slide_pages(wanted, lambda _, features: attention_of(features))
