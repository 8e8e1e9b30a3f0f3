"""A bundle in lines, for people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from slidesieve.models.bundle import METRICS_FILE, read_bundle
from slidesieve.store.tables import read_csv

_SHOWN_METRICS = ("balanced_accuracy", "auc_macro_ovr", "ece")


def describe_bundle(folder: Path) -> Iterator[str]:
    """Yield the lines of a description: model, classes, encoder, tiles, fits, data, metrics.

    Raises:
        ContractError: The folder is no sound bundle.
    """
    bundle = read_bundle(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    encoder, data, tiles = bundle.encoder, bundle.data, bundle.tiles
    yield f"{folder}  (bundle, {size / 1e6:.2f} MB)"
    yield f"  model: {bundle.model} of dataset {bundle.dataset}, {bundle.spec}"
    yield f"  classes: {', '.join(bundle.classes)}"
    yield f"  encoder: {encoder.name}, revision {encoder.revision}, {encoder.width} wide"
    yield f"  licence of the encoder: {encoder.licence}"
    if encoder.local_weights:
        yield f"  weights of the encoder: to be given (--encoder-weights; {encoder.local_weights})"
    if tiles:
        yield f"  tiles: {tiles.tile_px} px at {tiles.target_mpp:g} µm per px"
    else:
        yield "  tiles: not stated (trained on ready-made features)"
    for label, n_slides in data.slides.items():
        yield f"  trained on: {n_slides} slides of {data.patients[label]} patients of {label}"
    yield f"  split: {data.split}"
    for name, fit in bundle.fits.items():
        failed = f", signs of failure: {'; '.join(fit.signs)}" if fit.signs else ""
        yield f"  {name}: epoch {fit.best_epoch}, seed {fit.seed}{failed}"
    yield from _metrics(folder)
    yield f"  made with: SlideSieve {bundle.versions['slidesieve']}"


def _metrics(folder: Path) -> Iterator[str]:
    table = read_csv(folder / METRICS_FILE, required=["level", "metric", "pooled"])
    for row in table[table["metric"].isin(_SHOWN_METRICS)].itertuples():
        yield (
            f"  {row.metric}, {row.level}: {row.pooled:.3f} "
            f"({row.ci_low:.3f} to {row.ci_high:.3f}), n = {row.n}"
        )
