"""Prediction from Python: a trained model, features of slides, a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from slidesieve.errors import ContractError
from slidesieve.inference.compatibility import TileKind
from slidesieve.inference.ensemble import ensemble_table, predict_by_fit
from slidesieve.inference.fits import load_fits
from slidesieve.models.bundle import FINAL, is_bundle, read_bundle
from slidesieve.runtime.devices import pick_device
from slidesieve.store.feature_endings import FEATURE_ENDINGS
from slidesieve.store.features import FeatureSet, read_features
from slidesieve.training.fitted import FittedModel, load_model


@dataclass(frozen=True)
class Ensemble:
    """All fits of one model.

    Attributes:
        fits: By name: `fold_0`, `fold_1`, …, and perhaps `final`.
        tiles: Size and scale of the tiles it was trained on, as far as they are known.
    """

    fits: Mapping[str, FittedModel]
    tiles: TileKind

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return next(iter(self.fits.values())).classes


def load_ensemble(folder: Path | str) -> Ensemble:
    """Load a bundle, or a model that lies in its study.

    Args:
        folder: A bundle, or results/<dataset>/models/<encoder>/<model>. Such a folder does not say
            what tiles the model was trained on, so only encoder, revision and width are compared.

    Raises:
        ContractError: It is neither, or damaged.
    """
    folder = Path(folder)
    if is_bundle(folder):
        tiles = read_bundle(folder).tiles
        kind = TileKind(tiles.tile_px, tiles.target_mpp) if tiles else TileKind()
        return Ensemble(load_fits(folder), kind)
    folds = sorted(folder.glob("fold_*"), key=lambda fold: int(fold.name.removeprefix("fold_")))
    if not folds:
        raise ContractError(f"{folder}: neither a bundle nor a folder of fold_0, fold_1, …")
    final = [folder / FINAL] if (folder / FINAL).is_dir() else []
    return Ensemble({path.name: load_model(path) for path in [*folds, *final]}, TileKind())


def load_features(folder: Path | str) -> Iterator[FeatureSet]:
    """Read the features of all slides in a folder, one after another, by name.

    Args:
        folder: results/<dataset>/features/<encoder>, or files of TRIDENT, CLAM or STAMP.

    Raises:
        ContractError: A file holds no features in a form we know, or the folder holds no file.
    """
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix in FEATURE_ENDINGS)
    if not paths:
        raise ContractError(f"{folder}: holds no file of features ({', '.join(FEATURE_ENDINGS)})")
    yield from map(read_features, paths)


def predict(
    model: Ensemble, slides: Iterable[FeatureSet], device: torch.device | None = None
) -> pd.DataFrame:
    """Predict slides by all fits of a model and put their predictions together.

    Args:
        model: See `load_ensemble`.
        slides: Features; slides without tokens are passed over.
        device: Where to compute; by default a GPU if there is one.

    Returns:
        A row per slide: slide_id, prediction, prob_<class>… (means over the folds' fits), spread,
        agreement, n_fits, tokens_in, tokens_kept, see `inference.ensemble.ensemble_table`.

    Raises:
        ContractError: Features are not those that the model was trained on, or not finite.
    """
    by_fit = predict_by_fit(model.fits, slides, model.tiles, device or pick_device())
    return ensemble_table(by_fit, model.classes)
