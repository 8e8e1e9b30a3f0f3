"""Files of the fits that predict a dataset which trains none of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from slidesieve.config.study import Dataset, Study
from slidesieve.models.bundle import CONTENT_FILE, FINAL, METRICS_FILE
from slidesieve.plan import layout
from slidesieve.plan.layout import fill


def fit_names(dataset: Dataset) -> list[str]:
    """Names of the fits in the order of `fit_files`: those of the folds, then the final one."""
    source = dataset.models_from
    if source is not None and source.bundle is not None:
        folds = source.bundle.folds
    else:
        folds = [f"fold_{fold}" for fold in range(dataset.fold_count)]
    return [*folds, *([FINAL] if source is not None and source.has_final else [])]


def fits_params(study: Study, dataset: Dataset) -> dict[str, object]:
    """What a job needs to know of the fits that it predicts with, besides their files."""
    source = dataset.models_from
    of_tiles: Mapping = {}
    if source is not None and source.bundle is not None and source.bundle.tiles is not None:
        of_tiles = {
            "tile_px": source.bundle.tiles.tile_px,
            "target_mpp": source.bundle.tiles.target_mpp,
        }
    elif source is not None and source.dataset is not None:
        trained = study.datasets[source.dataset]
        if trained.features_dir is None:
            of_tiles = {key: trained.settings[key] for key in ("tile_px", "target_mpp")}
    return {
        "names": fit_names(dataset),
        "tiles": dict(of_tiles),
        "bundle": str(source.folder) if source is not None and source.folder else None,
    }


def fit_files(dataset: Dataset, encoder: str, model: str, pattern: str) -> list[str]:
    """One file per fit.

    Args:
        dataset: The dataset to be predicted, with a source of models.
        encoder: Id of the encoder.
        model: The model's name.
        pattern: Of a fold's file, such as `layout.WEIGHTS`.
    """
    source = dataset.models_from
    if source is not None and source.folder is not None:
        models = str(source.folder)
    else:
        own = fill(layout.FINAL, dataset=source_dataset(dataset), encoder=encoder, model=model)
        models = str(Path(own).parent)
    return [f"{models}/{fit}/{Path(pattern).name}" for fit in fit_names(dataset)]


def content_file(dataset: Dataset, encoder: str) -> str:
    """The table of features_sha256 of the slides that the fits were trained on."""
    source = dataset.models_from
    if source is not None and source.folder is not None:
        return str(source.folder / CONTENT_FILE)
    return fill(layout.FEATURE_INDEX, dataset=source_dataset(dataset), encoder=encoder)


def internal_results(dataset: Dataset, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """How the models do on their own cohort: a bundle's metrics, or else predictions per pair.

    Args:
        dataset: The dataset to be predicted.
        pairs: (encoder, model) of its tables.
    """
    source = dataset.models_from
    if source is not None and source.folder is not None:
        return [str(source.folder / METRICS_FILE)]
    own = source_dataset(dataset)
    return [
        fill(layout.PREDICTIONS, dataset=own, encoder=encoder, model=model)
        for encoder, model in pairs
    ]


def source_dataset(dataset: Dataset) -> str:
    """Return the name of the dataset whose models predict a dataset."""
    source = dataset.models_from
    if source is None or source.dataset is None:
        raise ValueError(f"dataset {dataset.name} has no other dataset for its models")
    return source.dataset
