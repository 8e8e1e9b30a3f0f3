"""Gather what every fit of a dataset was like."""

import logging
from pathlib import Path

from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fits_table import fits_table

log_to(snakemake.log[0])
params, inputs = snakemake.params, snakemake.input
folders = {pair: [] for pair in params.models}
for (pair, _), path in zip(params.fits, inputs.models, strict=True):
    folders[pair].append(Path(path).parent)
audits = {
    pair: read_csv(Path(path)) for pair, path in zip(params.audited, inputs.audits, strict=True)
}
table = fits_table(folders, audits)
for row in table[table["signs"] != ""].itertuples():
    logging.warning("%s/%s, fold %d: %s", row.encoder, row.model, row.fold, row.signs)
write_csv(Path(snakemake.output.fits), table)
