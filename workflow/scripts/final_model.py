"""Fit one model to all patients, as long as the median of its folds' best epochs."""

import json
from pathlib import Path

from slidesieve.bags import load_bags
from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv
from slidesieve.training.final import fit_final
from slidesieve.training.fitted import save_model
from slidesieve.training.settings import TrainingSettings

log_to(snakemake.log[0])
set_threads(snakemake.threads)
params = snakemake.params
settings = TrainingSettings.from_config(params.training)
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
path_of = {row.slide_id: Path(row.path) for row in index.itertuples() if row.status == "ok"}
slides = read_csv(Path(snakemake.input.folds))
slides = slides[slides["slide_id"].isin(path_of)]
bags = load_bags(slides, path_of, params.classes, settings.preload_mb * 1e6)
best_epochs = [json.loads(Path(path).read_text())["best_epoch"] for path in snakemake.input.models]
fitted = fit_final(params.model, bags, best_epochs, params.classes, settings, pick_device())
save_model(Path(snakemake.output.model).parent, fitted)
record_sha256(*map(Path, snakemake.output))
