"""Fit one model to some folds and predict their test slides."""

import logging
from pathlib import Path

from slidesieve.bags import load_folds
from slidesieve.errors import SlideSieveError
from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.splits.lost_classes import refuse_lost_classes
from slidesieve.store.atomic import write_json
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fitted import save_model
from slidesieve.training.prediction import predict
from slidesieve.training.restarts import fit_with_restarts
from slidesieve.training.settings import TrainingSettings

log_to(snakemake.log[0])
set_threads(snakemake.threads)
device, out, model = pick_device(), snakemake.output, snakemake.params.model
settings = TrainingSettings.from_config(snakemake.params.training)
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
path_of = {row.slide_id: Path(row.path) for row in index.itertuples() if row.status == "ok"}
numbers = [int(Path(path).parent.name.removeprefix("fold_")) for path in out.model]
classes, folds = snakemake.params.classes, read_csv(Path(snakemake.input.folds))
refuse_lost_classes(folds, path_of, classes)
parts_of = load_folds(folds, numbers, path_of, classes, settings.preload_mb * 1e6)
for place, (fold, parts) in enumerate(parts_of.items()):
    name = f"model {snakemake.wildcards.model}, fold {fold}"
    logging.info("%s", name)
    try:
        fitted = fit_with_restarts(model, parts["train"], parts["val"], classes, settings, device)
    except SlideSieveError as error:
        raise SlideSieveError(f"{name}: {error}") from error
    save_model(Path(out.model[place]).parent, fitted)
    write_json(Path(out.seconds[place]), {"seconds_per_epoch": fitted.seconds_per_epoch})
    for part, output in (("test", out.predictions), ("val", out.validation)):
        predictions = predict(fitted, parts[part], settings, device)
        predictions.insert(2, "fold", fold)
        write_csv(Path(output[place]), predictions)
record_sha256(*map(Path, out))
