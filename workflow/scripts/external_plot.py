"""Draw internal beside external for all models of an encoder."""

from pathlib import Path

from slidesieve.evaluation.outcomes import main_level
from slidesieve.figures.external import external_plot
from slidesieve.figures.metric_labels import MAIN_METRICS
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
names = snakemake.wildcards
rows = read_csv(Path(snakemake.input.external))
external_plot(
    rows[rows["encoder"] == names.encoder],
    MAIN_METRICS,
    main_level(rows["level"]),
    f"{names.dataset}, {names.encoder}: internal and external",
    Path(snakemake.output.plot),
)
