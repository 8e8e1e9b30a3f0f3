"""Put together the test predictions of all folds, each by a model that never saw its slides."""

from pathlib import Path

import pandas as pd

from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
folds = [read_csv(Path(path)) for path in snakemake.input.folds]
write_csv(Path(snakemake.output.predictions), pd.concat(folds, ignore_index=True))
