"""Fit one model to one fold and predict its test slides."""

from pathlib import Path

from slidesieve.bags import load_parts
from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.splits.lost_classes import refuse_lost_classes
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fitted import save_model
from slidesieve.training.prediction import predict
from slidesieve.training.restarts import fit_with_restarts
from slidesieve.training.settings import TrainingSettings

log_to(snakemake.log[0])
set_threads(snakemake.threads)
device = pick_device()
settings = TrainingSettings.from_config(snakemake.params.training)
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
path_of = {row.slide_id: Path(row.path) for row in index.itertuples() if row.status == "ok"}
fold, classes = int(snakemake.wildcards.fold), snakemake.params.classes
folds = read_csv(Path(snakemake.input.folds))
refuse_lost_classes(folds, path_of, classes)
bags = load_parts(folds, fold, path_of, classes, memory_budget_bytes=settings.preload_mb * 1e6)
fitted = fit_with_restarts(
    snakemake.params.model, bags["train"], bags["val"], classes, settings, device
)
save_model(Path(snakemake.output.model).parent, fitted)
for part, output in (("test", "predictions"), ("val", "validation")):
    predictions = predict(fitted, bags[part], settings, device)
    predictions.insert(2, "fold", fold)
    write_csv(Path(snakemake.output[output]), predictions)
record_sha256(*map(Path, snakemake.output))
