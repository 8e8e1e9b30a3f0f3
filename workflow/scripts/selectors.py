"""Put the audits of all selectors of a dataset into one table and one picture."""

from pathlib import Path

import pandas as pd

from slidesieve.figures.selector_overview import selectors_figure
from slidesieve.runtime.logs import log_to
from slidesieve.store.checksums import record_sha256
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
audits = []
for (encoder, model), path in zip(snakemake.params.models, snakemake.input.audits, strict=True):
    audit = read_csv(Path(path))
    audit.insert(0, "model", model)
    audit.insert(0, "encoder", encoder)
    audits.append(audit)
table = pd.concat(audits, ignore_index=True)
write_csv(Path(snakemake.output.table), table)
title = f"{snakemake.wildcards.dataset}: audits of all selectors"
selectors_figure(table, title, Path(snakemake.output.figure))
record_sha256(Path(snakemake.output.table))
