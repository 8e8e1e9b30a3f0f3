"""Draw what another encoder changes in each model."""

from pathlib import Path

from slidesieve.evaluation.outcomes import main_level
from slidesieve.figures.encoder_differences import encoder_differences_plot
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
comparisons = read_csv(Path(snakemake.input.comparisons))
encoder_differences_plot(
    comparisons,
    main_level(comparisons["level"]),
    f"{snakemake.wildcards.dataset}: each model on other encoders",
    Path(snakemake.output.plot),
)
