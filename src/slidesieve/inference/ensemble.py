"""Prediction of slides by all fits of a model: each on its own, their mean, and how they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from slidesieve.bags import bag_of_slide, check_bags
from slidesieve.inference.compatibility import TileKind, refuse_foreign_features
from slidesieve.models.bundle import FINAL
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.training.fitted import FittedModel
from slidesieve.training.prediction import predict
from slidesieve.training.settings import TrainingSettings

_TOKENS = ("tokens_in", "tokens_kept")


def usable_slides(index: pd.DataFrame) -> Iterator[FeatureSet]:
    """Read the features of the usable slides of a feature index, one after another.

    Args:
        index: slide_id, path, status. A file that was renamed may name itself otherwise.
    """
    used = index[index["status"] == "ok"]
    for slide_id, path in zip(used["slide_id"], used["path"], strict=True):
        yield replace(read_features(Path(path)), slide_id=slide_id)


def predict_by_fit(
    fits: Mapping[str, FittedModel],
    slides: Iterable[FeatureSet],
    tiles: TileKind,
    device: torch.device,
) -> pd.DataFrame:
    """Predict slides by each fit, slide after slide, so that one slide is in memory at a time.

    Args:
        fits: By name, `fold_<k>` or `final`; of one model and one encoder.
        slides: Features; slides without tokens are passed over.
        tiles: The tiles that the fits were trained on.
        device: Where to compute.

    Returns:
        slide_id, fit, prediction, prob_<class>…, tokens_in, tokens_kept: a row per slide and fit.

    Raises:
        ContractError: Features are not those that the fits were trained on, or not finite.
    """
    rows = [
        row.assign(fit=name)
        for features in slides
        if len(features.features)
        for name, row in _of_slide(fits, features, tiles, device)
    ]
    classes = next(iter(fits.values())).classes
    columns = ["slide_id", "fit", "prediction", *(f"prob_{c}" for c in classes), *_TOKENS]
    table = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=columns)
    return table[columns]


def _of_slide(
    fits: Mapping[str, FittedModel], features: FeatureSet, tiles: TileKind, device: torch.device
) -> Iterator[tuple[str, pd.DataFrame]]:
    bag = bag_of_slide(features)
    check_bags([bag])
    for name, fitted in fits.items():
        refuse_foreign_features(features, fitted, tiles)
        yield name, predict(fitted, [bag], TrainingSettings(), device)


def predictions_of_folds(by_fit: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the folds' fits with the number of the fold, as metrics want them."""
    folds = by_fit[by_fit["fit"] != FINAL]
    numbers = folds["fit"].str.removeprefix("fold_").astype(np.int64)
    return folds.drop(columns="fit").assign(fold=numbers)


def ensemble_table(by_fit: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Put the predictions of the folds' fits together.

    Args:
        by_fit: The table of `predict_by_fit`.
        classes: Class names in the order of the logits.

    Returns:
        A row per slide, in the order of the first rows: slide_id, prediction (the class of the
        largest mean probability), prob_<class>… (means over the folds' fits), spread (standard
        deviation, n - 1 in the divisor, of the predicted class's probability over them; NaN of a
        single one), agreement (their share that predicts the same class), n_fits, tokens_in,
        tokens_kept (mean), and prediction_final if there is a final fit.
    """
    folds = by_fit[by_fit["fit"] != FINAL]
    final = by_fit[by_fit["fit"] == FINAL].set_index("slide_id")["prediction"]
    rows = [
        _ensemble_row(str(slide_id), part, classes)
        | ({"prediction_final": final[slide_id]} if len(final) else {})
        for slide_id, part in folds.groupby("slide_id", sort=False)
    ]
    columns = ["slide_id", "prediction", *(f"prob_{c}" for c in classes)]
    columns += ["spread", "agreement", "n_fits", *_TOKENS]
    columns += ["prediction_final"] if len(final) else []
    return pd.DataFrame(rows, columns=columns)


def _ensemble_row(slide_id: str, fits: pd.DataFrame, classes: Sequence[str]) -> dict[str, object]:
    """Return the ensemble's row of one slide, from the rows of its fits."""
    probabilities = fits[[f"prob_{name}" for name in classes]].to_numpy(np.float64)
    mean = probabilities.mean(axis=0)
    winner = int(mean.argmax())
    spread = probabilities[:, winner].std(ddof=1) if len(fits) > 1 else float("nan")
    return {
        "slide_id": slide_id,
        "prediction": classes[winner],
        **{f"prob_{name}": mean[i] for i, name in enumerate(classes)},
        "spread": spread,
        "agreement": (fits["prediction"] == classes[winner]).mean(),
        "n_fits": len(fits),
        "tokens_in": int(fits["tokens_in"].iloc[0]),
        "tokens_kept": fits["tokens_kept"].mean(),
    }
