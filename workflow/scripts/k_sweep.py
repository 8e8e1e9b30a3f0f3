"""Draw metrics against the number of tokens that models keep."""

from pathlib import Path

from slidesieve.evaluation.outcomes import main_level
from slidesieve.figures.k_sweep import k_sweep_figure
from slidesieve.paper_tables.sweeps import k_sweeps
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

METRICS = ("balanced_accuracy", "auc_macro_ovr")

log_to(snakemake.log[0])
names = snakemake.wildcards
summary = read_csv(Path(snakemake.input.summary))
k_sweep_figure(
    summary[summary["encoder"] == names.encoder],
    k_sweeps(snakemake.params.models),
    METRICS,
    main_level(summary["level"]),
    f"{names.dataset}, {names.encoder}: metrics by number of tokens",
    Path(snakemake.output.sweep),
)
