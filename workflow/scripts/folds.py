"""Draw the folds of a dataset, or check those the user gives."""

from pathlib import Path

import pandas as pd

from slidesieve.runtime.logs import log_to
from slidesieve.splits.folds import check_folds, folds_table, make_folds
from slidesieve.splits.own_folds import read_own_folds
from slidesieve.splits.settings import FoldSettings
from slidesieve.store.tables import write_csv

log_to(snakemake.log[0])
params = snakemake.params
slides = pd.DataFrame(params.slides, columns=["slide_id", "patient_id", "label"])
settings = dict(params.folds)
if "sites" in settings:
    slides["site"] = settings.pop("sites")
if settings["file"]:
    own = read_own_folds(Path(settings["file"]), slides["slide_id"].tolist())
    folds = folds_table(own, slides)
else:
    folds = make_folds(slides, FoldSettings(**settings))
check_folds(folds, slides, params.classes)
write_csv(Path(snakemake.output.folds), folds)
