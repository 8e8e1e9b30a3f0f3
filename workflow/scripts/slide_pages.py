"""Write pages of slides, and of errors, with the attention of models that never saw the patient."""

from pathlib import Path

from slidesieve.figures.slides.write import SlidePages, write_slide_pages
from slidesieve.inference.fits import attention_of_folds
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
attention_of = attention_of_folds(snakemake.input.models)
wanted = SlidePages(
    pages=Path(snakemake.output.pages),
    errors=Path(snakemake.output.errors),
    title=f"{snakemake.wildcards.dataset}: errors on {snakemake.wildcards.encoder}",
    cohort=read_csv(Path(snakemake.input.cohort)),
    index=read_csv(Path(snakemake.input.index)),
    predictions={Path(file).stem: read_csv(Path(file)) for file in snakemake.input.predictions},
    **snakemake.params.pages,
)
write_slide_pages(wanted, lambda verdict, features: attention_of(int(verdict["fold"]), features))
