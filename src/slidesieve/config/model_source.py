"""Where the models of a dataset come from that trains none of its own."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slidesieve.errors import ContractError
from slidesieve.models.bundle import FINAL, Bundle, is_bundle, read_bundle
from slidesieve.parsing.settings import plain
from slidesieve.parsing.suggestions import did_you_mean
from slidesieve.tiling.settings import TileSettings

# What tiles are; a model refuses others.
_FIXED = ("tile_px", "target_mpp")


@dataclass(frozen=True)
class ModelSource:
    """A dataset of the same config, or a bundle; one of the two is given.

    Attributes:
        dataset: Name of the dataset.
        folder: Folder of the bundle.
        bundle: What the bundle says of itself.
        has_final: Whether there is a fit to all patients beside those of the folds.
    """

    dataset: str | None = None
    folder: Path | None = None
    bundle: Bundle | None = None
    has_final: bool = False


def find_source(named: str, datasets: Container[str]) -> ModelSource:
    """Return what `models_from` names: a dataset comes before a folder.

    Raises:
        ContractError: It is neither, or no sound bundle.
    """
    if named in datasets:
        return ModelSource(dataset=named)
    bundle = read_bundle(Path(named))
    return ModelSource(folder=Path(named), bundle=bundle, has_final=FINAL in bundle.fits)


def with_inherited(config: Mapping[str, Any]) -> dict[str, Any]:
    """Let datasets take over classes, tiles and tissue from the source of their models.

    What a dataset says itself stays; single tissue settings too. What cannot be found stays for
    the checks.
    """
    datasets = config.get("datasets")
    if not isinstance(datasets, Mapping):
        return dict(config)
    return dict(config) | {
        "datasets": {name: _filled_in(dataset, datasets) for name, dataset in datasets.items()}
    }


def source_problems(
    where: str, settings: Mapping[str, Any], datasets: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the mistakes of a dataset's `models_from`.

    Args:
        where: The dataset's key, for the sentences.
        settings: Its keys, those that it takes over among them.
        datasets: All datasets of the config.
    """
    named = settings.get("models_from")
    if not isinstance(named, str):
        return
    if "folds" in settings:
        yield f"{where}.folds: a dataset with models_from has no folds; leave the key out"
    if named not in datasets and not is_bundle(Path(named)):
        hint = did_you_mean(named, list(datasets))
        yield f"{where}.models_from: {named!r} is no dataset and no folder of a bundle; {hint}"
        return
    if named in datasets and datasets[named].get("models_from") is not None:
        yield f"{where}.models_from: {named!r} has no models of its own; name the one that has"
        return
    try:
        inherited = _inherited(named, datasets)
    except ContractError as error:
        yield from (f"{where}.models_from: {line}" for line in str(error).splitlines())
        return
    for key in ("classes", *(_FIXED if settings.get("features") is None else ())):
        if key in inherited and settings.get(key) != inherited[key]:
            yield (
                f"{where}.{key} is {settings.get(key)}, but the models of {named} are for "
                f"{inherited[key]}; leave the key out"
            )


def bundle_encoder_problems(
    where: str, settings: Mapping[str, Any], datasets: Mapping[str, Any], encoders: Container[str]
) -> Iterator[str]:
    """Yield why the features that a bundle needs cannot be made.

    Args:
        where: The dataset's key, for the sentences.
        settings: Its keys.
        datasets: All datasets of the config.
        encoders: Ids of the encoders of the config.
    """
    named = settings.get("models_from")
    if not isinstance(named, str) or named in datasets or settings.get("features") is not None:
        return
    try:
        encoder = read_bundle(Path(named)).encoder
    except ContractError:
        return
    if encoder.id in encoders:
        return
    if not encoder.entry:
        yield (
            f"{where}.models_from: {named} was trained on ready-made features "
            f"({encoder.name or encoder.id}); give the dataset `features`, or add the encoder to "
            f"`encoders` with `id: {encoder.id}`"
        )
    elif encoder.local_weights:
        yield (
            f"{where}.models_from: {named} needs the encoder's own weights "
            f"({encoder.local_weights}); add to `encoders`: "
            f'{{name: "{encoder.name}", id: {encoder.id}, weights: <their path>}}'
        )


def _inherited(named: str, datasets: Mapping[str, Any]) -> dict[str, Any]:
    if named not in datasets:
        return dict(read_bundle(Path(named)).dataset_settings)
    source = datasets[named]
    tiles = {} if source.get("features") is not None else plain(TileSettings())
    return tiles | {key: source[key] for key in ("classes", "tissue", *tiles) if key in source}


def _filled_in(dataset: object, datasets: Mapping[str, Any]) -> object:
    if not isinstance(dataset, Mapping) or not isinstance(dataset.get("models_from"), str):
        return dataset
    try:
        inherited = _inherited(dataset["models_from"], datasets)
    except (ContractError, TypeError, KeyError):
        return dataset
    own = {key: value for key, value in dataset.items() if value is not None}
    tissues = [part.get("tissue") for part in (inherited, own)]
    tissue = {k: v for part in tissues if isinstance(part, Mapping) for k, v in part.items()}
    return {**inherited, **own, **({"tissue": tissue} if tissue else {})}
