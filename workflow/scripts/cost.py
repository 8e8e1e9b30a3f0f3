"""Measure what each model costs on a bag of the dataset's median and of its largest size."""

import json
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
fits = pd.DataFrame(snakemake.params.fits, columns=["model", "fold"])
fits["seconds"] = [
    json.loads(Path(path).read_text())["seconds_per_epoch"] for path in snakemake.input.seconds
]
seconds_per_epoch = fits.groupby("model")["seconds"].median()
rows = []
for (encoder, model), path in zip(snakemake.params.models, snakemake.input.models, strict=True):
    fitted = load_model(Path(path).parent)
    for n_tokens in sorted({int(tokens[encoder].median()), int(tokens[encoder].max())}):
        cost = measure_cost(
            fitted.model, n_tokens, fitted.dim, str(pick_device()), snakemake.threads, REPEATS
        )
        training = {"training_s_per_epoch": seconds_per_epoch[encoder, model]}
        rows.append({"encoder": encoder, "model": model} | cost | training)
write_csv(Path(snakemake.output.cost), pd.DataFrame(rows))
record_sha256(Path(snakemake.output.cost))
