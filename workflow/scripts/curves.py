"""Draw the ROC curves and the confusion matrix of one model."""

from pathlib import Path

from slidesieve.evaluation.outcomes import main_level, outcomes_by_level
from slidesieve.figures.confusion import confusion_figure
from slidesieve.figures.curves import roc_figure
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv

log_to(snakemake.log[0])
params, names = snakemake.params, snakemake.wildcards
predictions = read_csv(Path(snakemake.input.predictions))
title = f"{names.model} on {names.encoder}, {names.dataset}"
level = main_level(outcomes_by_level(predictions, params.classes))
roc_figure(
    predictions,
    params.classes,
    level,
    title,
    params.evaluation["bootstrap"],
    params.evaluation["seed"],
    Path(snakemake.output.roc),
)
confusion_figure(predictions, params.classes, level, title, Path(snakemake.output.confusion))
