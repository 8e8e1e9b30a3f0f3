"""The model card of a bundle, in the form that the Hugging Face hub shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd
import yaml

from slidesieve.models.bundle import FINAL, Bundle

_LEVELS = {"patient": "per patient", "slide": "per slide"}
_USE = (
    "Meant for research. It is no medical device: no diagnosis may rest on it. Its predictions\n"
    "hold for slides like those below; other scanners, stains and populations need a test of\n"
    "their own (`models_from` of a dataset with labels makes one)."
)
_METRICS = (
    "Out-of-fold predictions of all folds together, each by a model that never saw the patient,\n"
    "with the 95 % interval of a bootstrap over patients."
)


def model_card(bundle: Bundle, metrics: pd.DataFrame) -> str:
    """Return README.md of a bundle: use, metrics, data, encoder, how it was made.

    Args:
        bundle: The bundle.
        metrics: Rows of summary.csv about the model: level, metric, pooled, ci_low, ci_high, n.
    """
    return "\n".join(_lines(bundle, metrics))


def _lines(bundle: Bundle, metrics: pd.DataFrame) -> Iterator[str]:
    yield from _front_matter(bundle)
    yield f"# {bundle.model} on {bundle.encoder.id}: {', '.join(bundle.classes)}"
    yield ""
    yield f"Predicts the class of a whole slide: {_or(bundle.classes)}. Made with SlideSieve"
    yield f"{bundle.versions['slidesieve']} from the dataset `{bundle.dataset}`."
    yield ""
    yield _USE
    yield from _section("Use")
    yield "```bash"
    yield "slidesieve predict path/to/this/folder /path/to/slides --output predicted"
    yield "```"
    yield from _section("Metrics")
    yield _METRICS
    yield from _metric_tables(metrics)
    yield from _section("Data")
    yield from _data(bundle)
    yield from _section("Encoder, tiles and tissue")
    yield from _encoder(bundle)
    yield from _section("Fits")
    yield from _fits(bundle)
    yield ""


def _front_matter(bundle: Bundle) -> Iterator[str]:
    facts = {
        "library_name": "slidesieve",
        "pipeline_tag": "image-classification",
        "tags": ["histopathology", "whole-slide-image", "multiple-instance-learning"],
    }
    yield "---"
    yield from yaml.safe_dump(facts, sort_keys=False).splitlines()
    yield "---"


def _section(title: str) -> list[str]:
    return ["", f"## {title}", ""]


def _or(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _metric_tables(metrics: pd.DataFrame) -> Iterator[str]:
    for level, words in _LEVELS.items():
        rows = metrics[metrics["level"] == level]
        if rows.empty:
            continue
        yield ""
        yield f"| {words} (n = {rows['n'].max()}) | value | 95 % interval |"
        yield "|---|---|---|"
        columns = (rows[name] for name in ("metric", "pooled", "ci_low", "ci_high"))
        for metric, value, low, high in zip(*columns, strict=True):
            yield f"| {metric} | {_number(value)} | {_interval(low, high)} |"


def _number(value: float) -> str:
    return "undefined" if value != value else f"{value:.3f}"


def _interval(low: float, high: float) -> str:
    return "undefined" if low != low else f"{low:.3f} to {high:.3f}"


def _data(bundle: Bundle) -> Iterator[str]:
    data = bundle.data
    yield "| class | slides | patients |"
    yield "|---|---|---|"
    for label, n_slides in data.slides.items():
        yield f"| {label} | {n_slides} | {data.patients[label]} |"
    yield ""
    yield f"- Left out as unusable: {data.left_out} slides"
    yield f"- Files of: {_counts(data.scanners)}"
    if data.mpp:
        yield f"- µm per pixel: {_counts(data.mpp)}"
    yield f"- Tiles of the median slide: {data.tiles_median}"
    yield f"- Split: {data.split}"
    yield "- `training_content.csv` holds checksums of the features, by which a slide that was used"
    yield "  in training is known again. No name of a slide or patient is in this folder."


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{value} ({n} slides)" for value, n in counts.items())


def _encoder(bundle: Bundle) -> Iterator[str]:
    encoder, tiles = bundle.encoder, bundle.tiles
    yield f"- Encoder: {encoder.name or 'not named by the features'}, revision {encoder.revision}"
    yield f"  ({encoder.width} numbers per tile; its weights are not in this folder)"
    if encoder.source:
        yield f"- Weights of the encoder: {encoder.source}"
    yield f"- Licence of the encoder's weights: {encoder.licence}"
    if tiles:
        yield f"- Tiles: {tiles.tile_px} px at {tiles.target_mpp:g} µm per px"
    yield "- Tissue settings: in `bundle.json`"
    yield ""
    yield "Features of another encoder, revision, tile size or scale are refused."


def _fits(bundle: Bundle) -> Iterator[str]:
    yield "| fit | epoch kept | seed | signs of failure |"
    yield "|---|---|---|---|"
    for name, fit in bundle.fits.items():
        yield f"| {name} | {fit.best_epoch} | {fit.seed} | {'; '.join(fit.signs) or 'none'} |"
    if FINAL in bundle.fits:
        yield ""
        yield "`final` was fitted to all patients, as long as the median of the folds' epochs; no"
        yield "metric above is of it."
