"""Audit one selector: its paths, what leaks, how stable it is, what it finds."""

from pathlib import Path

from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.selector_diagnostics.run import audit_model
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.settings import TrainingSettings

log_to(snakemake.log[0])
set_threads(snakemake.threads)
params = snakemake.params
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
tables = audit_model(
    folders=[Path(path).parent for path in snakemake.input.models],
    folds=read_csv(Path(snakemake.input.folds)),
    path_of={row.slide_id: Path(row.path) for row in index.itertuples() if row.status == "ok"},
    truth_of={slide_id: Path(path) for slide_id, path in params.truth.items()},
    classes=params.classes,
    resamples=params.evaluation["bootstrap"],
    seed=params.evaluation["seed"],
    device=pick_device(),
    memory_budget_bytes=TrainingSettings.from_config(params.training).preload_mb * 1e6,
)
for name in ("audit", "slides", "predictions"):
    write_csv(Path(snakemake.output[name]), getattr(tables, name))
record_sha256(*map(Path, snakemake.output))
