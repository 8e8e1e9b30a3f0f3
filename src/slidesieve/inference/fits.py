"""The fitted models of a bundle, with the promise that they are those that were bundled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slidesieve.errors import ContractError
from slidesieve.inference.attention import mean_attention, slide_attention
from slidesieve.models.bundle import FINAL, WEIGHTS_FILE, Bundle, read_bundle
from slidesieve.store.checksums import file_sha256
from slidesieve.store.features import FeatureSet
from slidesieve.training.fitted import FittedModel, load_model


def load_fits_of(
    names: Sequence[str], files: Sequence[str], bundle: str | None
) -> dict[str, FittedModel]:
    """Load the fits that a job of the workflow predicts with.

    Args:
        names: Of the fits.
        files: model.json of each.
        bundle: Folder of the bundle that they are of; None where they are a study's.

    Raises:
        ContractError: See `load_fits` and `load_model`.
    """
    if bundle is not None:
        found = load_fits(Path(bundle))
        return {name: found[name] for name in names}
    return {name: load_model(Path(file).parent) for name, file in zip(names, files, strict=True)}


def load_ensemble_of(
    names: Sequence[str], files: Sequence[str], bundle: str | None
) -> dict[str, FittedModel]:
    """Load the fits whose mean is the prediction: all but the final one.

    Arguments and errors are those of `load_fits_of`.
    """
    fits = load_fits_of(names, files, bundle)
    return {name: fit for name, fit in fits.items() if name != FINAL}


def attention_of_folds(files: Sequence[str]) -> Callable[[int, FeatureSet], NDArray[np.float64]]:
    """Return a function of a fold and a slide's features that gives that fold's attention.

    Each fold's model is read once, when a slide asks for it.

    Args:
        files: model.json of each fold, in the order of the folds.
    """

    @cache
    def of_fold(fold: int) -> FittedModel:
        return load_model(Path(files[fold]).parent)

    return lambda fold, features: slide_attention(of_fold(fold).model, features)


def attention_of_ensemble(
    fits: Mapping[str, FittedModel],
) -> Callable[[FeatureSet], NDArray[np.float64]]:
    """Return a function of a slide's features that gives the mean attention of some fits."""
    return lambda features: mean_attention(
        [slide_attention(fit.model, features) for fit in fits.values()]
    )


def load_fits(folder: Path) -> dict[str, FittedModel]:
    """Load every fit of a bundle by name: `fold_0`, `fold_1`, …, and `final` if it has one.

    Raises:
        ContractError: The folder is no bundle, or a fit is missing, damaged, or not what
            bundle.json says.
    """
    bundle = read_bundle(folder)
    problems = list(_damages(folder, bundle))
    if problems:
        raise ContractError("\n".join(problems))
    fits = {name: load_model(folder / name) for name in bundle.fits}
    problems = list(_contradictions(folder, bundle, fits))
    if problems:
        raise ContractError("\n".join(problems))
    return fits


def _damages(folder: Path, bundle: Bundle) -> Iterator[str]:
    for name, fit in bundle.fits.items():
        weights = folder / name / WEIGHTS_FILE
        if not weights.is_file():
            yield f"{weights}: is missing; get the bundle again"
        elif file_sha256(weights) != fit.weights_sha256:
            yield f"{weights}: is not the file that was bundled; get the bundle again"


def _contradictions(folder: Path, bundle: Bundle, fits: Mapping[str, FittedModel]) -> Iterator[str]:
    for name, fitted in fits.items():
        wanted = (tuple(bundle.classes), bundle.encoder.width)
        if (fitted.classes, fitted.dim) != wanted:
            yield f"{folder / name}: its classes or width are not those of bundle.json"
        encoder = (bundle.encoder.name, bundle.encoder.revision)
        if (fitted.encoder, fitted.encoder_revision) != encoder:
            yield f"{folder / name}: its encoder is not that of bundle.json"
