"""Predict the slides of a dataset by all fits of a model from elsewhere."""

from pathlib import Path

import pandas as pd

from slidesieve.cohort.seen import refuse_seen, seen_in_training
from slidesieve.cohort.slides import NO_LABEL
from slidesieve.inference.compatibility import TileKind
from slidesieve.inference.ensemble import ensemble_table, predict_by_fit, usable_slides
from slidesieve.inference.fits import load_fits_of
from slidesieve.runtime.devices import pick_device, set_threads
from slidesieve.runtime.logs import log_to
from slidesieve.store.tables import read_csv, write_csv

log_to(snakemake.log[0])
set_threads(snakemake.threads)
params = snakemake.params
fits = load_fits_of(params.fits["names"], snakemake.input.models, params.fits["bundle"])
index = read_csv(Path(snakemake.input.index), required=["slide_id", "path", "status"])
trained_on = read_csv(Path(snakemake.input.trained_on), required=["features_sha256"])
slides = pd.DataFrame(params.slides, columns=["slide_id", "patient_id", "label"])
in_training = seen_in_training(index, trained_on)
if slides["label"].ne(NO_LABEL).any():
    refuse_seen(in_training, params.source)
tiles = TileKind(**params.fits["tiles"])
by_fit = predict_by_fit(fits, usable_slides(index), tiles, pick_device())
classes = next(iter(fits.values())).classes
together = ensemble_table(by_fit, classes)
together["in_training"] = together["slide_id"].isin(in_training)
for table, out in ((together, "predictions"), (by_fit, "by_fit")):
    write_csv(Path(snakemake.output[out]), slides.merge(table, on="slide_id"))
