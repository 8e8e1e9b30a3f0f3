"""From a finished study to a bundle of one of its models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from slidesieve import __version__
from slidesieve.bundles.card import model_card
from slidesieve.bundles.study_model import StudyModel
from slidesieve.encoders.licences import encoder_licence
from slidesieve.errors import ConfigError
from slidesieve.models.bundle import (
    CARD_FILE,
    CONTENT_FILE,
    FIT_FILES,
    METRICS_FILE,
    SCHEMA_VERSION,
    WEIGHTS_FILE,
    Bundle,
    BundledEncoder,
    BundledFit,
    DataCard,
    is_bundle,
    write_bundle,
)
from slidesieve.parsing.settings import parse_settings
from slidesieve.stages import STAGES
from slidesieve.store.atomic import write_text
from slidesieve.store.checksums import file_sha256
from slidesieve.store.features import FeatureSet
from slidesieve.store.tables import write_csv
from slidesieve.tiling.settings import TileSettings
from slidesieve.tissue.params import TissueParams
from slidesieve.training.fitted import FittedModel, load_model

_TILE_KEYS = ("tile_px", "target_mpp", "step_px", "min_tissue_fraction", "max_upsampling")


def make_bundle(source: StudyModel, out: Path) -> Bundle:
    """Write the bundle of one model of a study into a folder.

    The model that was fitted to all patients goes with those of the folds, if it was made.

    Args:
        source: The model and its study.
        out: The folder of the bundle; a bundle that lies there is replaced.

    Raises:
        ConfigError: The folder holds something else, or config and results contradict each other.
        ContractError: A file of the study is missing or damaged.
    """
    _refuse_other_content(out)
    folders = source.fit_folders()
    fits = {name: load_model(folder) for name, folder in folders.items()}
    used = source.used_slides()
    features = source.features_of(used["slide_id"].iloc[0])
    if problems := list(_contradictions(source, fits, features)):
        raise ConfigError(problems)
    settings = source.dataset.settings
    bundle = Bundle(
        schema_version=SCHEMA_VERSION,
        dataset=source.dataset.name,
        model=source.model,
        spec=dict(next(iter(fits.values())).spec),
        classes=list(source.dataset.classes),
        encoder=_encoder(source, features),
        tiles=None
        if source.dataset.features_dir
        else parse_settings(TileSettings, {key: settings[key] for key in _TILE_KEYS}),
        tissue=parse_settings(TissueParams, settings["tissue"]),
        fits={name: _fit(folders[name], fitted) for name, fitted in fits.items()},
        data=_data_card(source.cohort(), used, _split_words(settings["folds"])),
        versions={"slidesieve": __version__, **{f"stage_{k}": v for k, v in STAGES.items()}},
    )
    _write(out, bundle, folders, source.summary(), used)
    return bundle


def _write(
    out: Path,
    bundle: Bundle,
    folders: Mapping[str, Path],
    metrics: pd.DataFrame,
    used: pd.DataFrame,
) -> None:
    if out.exists():
        shutil.rmtree(out)
    for name, folder in folders.items():
        (out / name).mkdir(parents=True)
        for file in FIT_FILES:
            shutil.copyfile(folder / file, out / name / file)
    write_csv(out / METRICS_FILE, metrics)
    # Sorted, so that nothing of the sheet's order is told.
    write_csv(out / CONTENT_FILE, used[["features_sha256"]].sort_values("features_sha256"))
    write_text(out / CARD_FILE, model_card(bundle, metrics))
    write_bundle(out, bundle)


def _refuse_other_content(out: Path) -> None:
    if out.exists() and not is_bundle(out) and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError([f"{out} exists and is no bundle; choose another folder"])


def _contradictions(
    source: StudyModel, fits: Mapping[str, FittedModel], features: FeatureSet
) -> Iterator[str]:
    """Sentences about what the config says now and the results do not."""
    dataset, remedy = source.dataset, "run the study again, or give the config it was run with"
    # JSON has no tuples, so compare what JSON makes of both.
    spec = json.dumps(source.spec, sort_keys=True)
    for name, fitted in fits.items():
        if fitted.classes != dataset.classes:
            yield f"{name} was fitted for the classes {', '.join(fitted.classes)}; {remedy}"
        if json.dumps(fitted.spec, sort_keys=True) != spec:
            yield f"{name} was fitted to another spec of {source.model} than the config's; {remedy}"
        if (fitted.encoder, fitted.encoder_revision) != (
            features.encoder,
            features.encoder_revision,
        ):
            yield (
                f"{name} was fitted to features of {fitted.encoder} {fitted.encoder_revision}, "
                f"those of the study are of {features.encoder} {features.encoder_revision}; "
                f"{remedy}"
            )
    if dataset.features_dir is None:
        for key, attribute in (("tile_px", "patch_size"), ("target_mpp", "target_mpp")):
            found, wanted = features.tile_attributes[attribute], dataset.settings[key]
            if found != wanted:
                yield f"tiles were made with {key} = {found}, the config says {wanted}; {remedy}"


def _encoder(source: StudyModel, features: FeatureSet) -> BundledEncoder:
    entry = {} if source.dataset.features_dir else dict(source.encoder_entry)
    weights = entry.pop("weights", None)
    return BundledEncoder(
        id=source.encoder,
        # A device is the machine's own.
        entry={key: value for key, value in entry.items() if key != "device"},
        name=features.encoder,
        revision=features.encoder_revision,
        source=features.encoder_source,
        transform=features.transform,
        pooling=features.pooling,
        precision=features.precision,
        width=features.features.shape[1],
        licence=encoder_licence(features.encoder),
        local_weights=Path(str(weights)).name if weights else "",
    )


def _fit(folder: Path, fitted: FittedModel) -> BundledFit:
    return BundledFit(
        weights_sha256=file_sha256(folder / WEIGHTS_FILE),
        seed=fitted.seed,
        best_epoch=fitted.best_epoch,
        signs=list(fitted.signs),
    )


def _data_card(cohort: pd.DataFrame, used: pd.DataFrame, split: str) -> DataCard:
    slides = cohort[cohort["slide_id"].isin(used["slide_id"])]
    by_class = slides.groupby("label", sort=True)
    known_mpp = slides["mpp"].dropna().map("{:.4g}".format)
    vendors = slides["vendor"].replace("", "not stated")
    return DataCard(
        slides={str(label): len(part) for label, part in by_class},
        patients={str(label): part["patient_id"].nunique() for label, part in by_class},
        left_out=len(cohort) - len(slides),
        scanners=_counts(vendors),
        mpp=_counts(known_mpp),
        tiles_median=int(used["n_tokens"].median()),
        split=split,
    )


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(value): int(n) for value, n in values.value_counts().sort_index().items()}


def _split_words(folds: Mapping) -> str:
    if folds["file"]:
        return "the study's own folds"
    return (
        f"{folds['k']} folds over patients, repeated {folds['repeats']} time(s), seed "
        f"{folds['seed']}, {folds['val_fraction']:g} of the training patients for early stopping"
    )
