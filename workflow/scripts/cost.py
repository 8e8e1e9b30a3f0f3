"""Measure what each model costs on a bag of the dataset's median and of its largest size."""

from pathlib import Path

import pandas as pd

from slidesieve.inference.cost import measure_cost
from slidesieve.runtime.devices import pick_device
from slidesieve.runtime.logs import log_to
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fitted import load_model

REPEATS = 9

log_to(snakemake.log[0])
tokens = {
    encoder: (index := read_csv(Path(path))).loc[index["status"] == "ok", "n_tokens"]
    for encoder, path in zip(snakemake.params.encoders, snakemake.input.indexes, strict=True)
}
rows = []
for (encoder, model), path in zip(snakemake.params.models, snakemake.input.models, strict=True):
    fitted = load_model(Path(path).parent)
    for n_tokens in sorted({int(tokens[encoder].median()), int(tokens[encoder].max())}):
        cost = measure_cost(
            fitted.model, n_tokens, fitted.dim, str(pick_device()), snakemake.threads, REPEATS
        )
        rows.append({"encoder": encoder, "model": model} | cost)
write_csv(Path(snakemake.output.cost), pd.DataFrame(rows))
record_sha256(Path(snakemake.output.cost))
