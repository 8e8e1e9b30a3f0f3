"""Draw the scores of slide question answering of one encoder."""

from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv
from slidesieve.vqa.scores_plot import scores_plot

log_to(snakemake.log[0])
names = snakemake.wildcards
scores = read_csv(Path(snakemake.input.scores))
scores_plot(
    scores[scores["encoder"] == names.encoder],
    f"{names.dataset}, {names.encoder}: questions about slides",
    Path(snakemake.output.plot),
)
