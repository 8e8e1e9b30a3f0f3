"""Draw all models of an encoder side by side with their intervals."""

from pathlib import Path

from slidesieve.evaluation.outcomes import main_level
from slidesieve.figures.dotplot import metric_dot_plot
from slidesieve.figures.metric_labels import MAIN_METRICS
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
names = snakemake.wildcards
summary = read_csv(Path(snakemake.input.summary))
metric_dot_plot(
    summary[summary["encoder"] == names.encoder],
    MAIN_METRICS,
    main_level(summary["level"]),
    f"{names.dataset}, {names.encoder}",
    Path(snakemake.output.models),
)
