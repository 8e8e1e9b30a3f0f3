"""Fitting a slide classifier to one fold, predicting with it, and keeping it."""

from slidesieve.training.fitted import FittedModel, load_model, save_model
from slidesieve.training.loop import fit_fold
from slidesieve.training.prediction import predict
from slidesieve.training.settings import TrainingSettings

__all__ = [
    "FittedModel",
    "TrainingSettings",
    "fit_fold",
    "load_model",
    "predict",
    "save_model",
]
