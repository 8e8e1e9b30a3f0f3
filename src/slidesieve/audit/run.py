"""Audit of a whole dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from slidesieve.audit import recomputed, tables
from slidesieve.audit.applied import audit_applied
from slidesieve.audit.diagnostics import selector_problems
from slidesieve.audit.findings import (
    Finding,
    PathOf,
    examine,
    recorded_problems,
    version_problems,
)
from slidesieve.audit.pairs import model_pairs, read_per_pair
from slidesieve.audit.sites import audit_encoders, audit_sites
from slidesieve.audit.slides import audit_slide
from slidesieve.audit.tokens import tokens_problems
from slidesieve.audit.vqa import audit_questions
from slidesieve.cohort.table import slides_so_far
from slidesieve.config.study import Dataset, Study
from slidesieve.plan import layout
from slidesieve.plan.params import cohort_rows
from slidesieve.selector_diagnostics.auditable import auditable_models
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fitted import load_model

_TABLES = (layout.METRICS, layout.SUMMARY, layout.COMPARISONS, layout.COST)
_PAPER_TABLES = (
    layout.PAPER_METRICS,
    layout.PAPER_SUMMARY,
    layout.PAPER_COMPARISONS,
    layout.PAPER_COST,
)
_FOLD_FILES = (
    layout.WEIGHTS,
    layout.MODEL,
    layout.HISTORY,
    layout.FIT_SECONDS,
    layout.FOLD_PREDICTIONS,
    layout.VAL_PREDICTIONS,
)
_SELECTOR_FILES = (layout.SELECTOR_AUDIT, layout.SELECTOR_SLIDES, layout.SELECTOR_PREDICTIONS)


def audit_dataset(study: Study, name: str, results: Path) -> list[Finding]:
    """Audit every artifact that the config makes of a dataset.

    Args:
        study: The config.
        name: The dataset.
        results: The folder of all results.
    """
    dataset, at = study.datasets[name], partial(layout.below, results, dataset=name)
    findings: list[Finding] = []
    if dataset.features_dir is None:
        entries = {e: study.encoder_entry(name, e) for e in study.encoders_of(name)}
        for slide in tqdm(dataset.slides, desc=f"audit {name}", unit="slide", disable=None):
            findings += audit_slide(dataset, slide, entries, at)
        findings += _audit_tile_index(dataset, at)
    if dataset.models_from is not None:
        for encoder in study.encoders_of(name):
            findings += _audit_index(dataset, encoder, at)
        return [*findings, *_audit_cohort(study, dataset, at), *audit_applied(study, dataset, at)]
    path = at(layout.FOLDS)
    findings += examine(path, lambda: tables.folds_problems(path, dataset))
    findings += examine(path, lambda: recomputed.folds_differences(path, dataset))
    specs = {model: study.models[model] for model in chain.from_iterable(study.tables.values())}
    for encoder in study.encoders_of(name):
        findings += _audit_index(dataset, encoder, at)
        for model in specs:
            findings += _audit_models(study, dataset, encoder, model, at)
            findings += _audit_predictions(dataset, encoder, model, at)
            findings += _audit_tokens(study, dataset, encoder, model, at)
        for model in auditable_models(specs):
            findings += _audit_selector(dataset, encoder, model, at)
    findings += _audit_selectors(study, specs, at)
    findings += audit_questions(study, dataset, at)
    if not study.paper_tables:
        findings += _audit_cohort(study, dataset, at)
    for table, models in study.tables.items():
        findings += _audit_summaries(study, dataset, table, models, at)
    if not study.paper_tables:
        findings += _audit_fits(study, dataset, at)
        findings += audit_encoders(study, dataset, at)
        findings += audit_sites(study, dataset, at)
    return findings


def write_findings(path: Path, findings: list[Finding]) -> Path:
    """Write findings as a table: path, status, problem."""
    rows = [(str(path), status, problem) for path, status, problem in map(astuple, findings)]
    write_csv(path, pd.DataFrame(rows, columns=["path", "status", "problem"]))
    return path


def _audit_index(dataset: Dataset, encoder: str, at: PathOf) -> Iterator[Finding]:
    path = at(layout.FEATURE_INDEX, encoder=encoder)
    made: dict[str, Path | None]
    if dataset.features_dir is None:
        made = {i: at(layout.FEATURES, encoder=encoder, slide=i) for i in dataset.slide_ids}
    else:
        made = {i: dataset.ready_features(i) for i in dataset.slide_ids}

    def problems() -> Iterator[str]:
        files = {slide_id: file for slide_id, file in made.items() if file and file.exists()}
        return tables.index_problems(path, dataset, files)

    return examine(path, problems)


def _audit_models(
    study: Study, dataset: Dataset, encoder: str, model: str, at: PathOf
) -> Iterator[Finding]:
    spec = study.models[model]
    if study.final_model:
        path = at(layout.FINAL, encoder=encoder, model=model)
        yield from examine(path, partial(_model_problems, path, dataset, spec))
    for fold in range(dataset.fold_count):
        names = {"encoder": encoder, "model": model, "fold": fold}
        path = at(layout.FOLD, **names)
        yield from examine(path, partial(_model_problems, path, dataset, spec))
        for pattern in _FOLD_FILES:
            path = at(pattern, **names)
            yield from examine(path, partial(recorded_problems, path))


def _model_problems(folder: Path, dataset: Dataset, spec: Mapping) -> Iterator[str]:
    fitted = load_model(folder, training_parts=True)
    if fitted.classes != dataset.classes:
        yield f"was fitted for the classes {', '.join(fitted.classes)}"
    # JSON has no tuples, so compare what JSON makes of both.
    if json.dumps(fitted.spec, sort_keys=True) != json.dumps(spec, sort_keys=True):
        yield "was fitted to another spec than the config's"
    version = json.loads((folder / "model.json").read_text())["versions"]["stage"]
    yield from version_problems("train", version)
    for name, tensor in fitted.model.state_dict().items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            yield f"weight {name} is not finite"
    if not np.isfinite(fitted.history["train_loss"]).all():
        yield "its training loss is not finite"


def _audit_predictions(dataset: Dataset, encoder: str, model: str, at: PathOf) -> Iterator[Finding]:
    path = at(layout.PREDICTIONS, encoder=encoder, model=model)

    def problems() -> Iterator[str]:
        folds = read_csv(at(layout.FOLDS))
        index = read_csv(at(layout.FEATURE_INDEX, encoder=encoder))
        of_folds = [
            at(layout.FOLD_PREDICTIONS, encoder=encoder, model=model, fold=fold)
            for fold in range(dataset.fold_count)
        ]
        yield from tables.predictions_problems(path, dataset, folds, index)
        yield from recomputed.predictions_differences(path, of_folds)

    return examine(path, problems)


def _audit_tokens(
    study: Study, dataset: Dataset, encoder: str, model: str, at: PathOf
) -> Iterator[Finding]:
    """Audit the tokens files that the config asks for, and those made besides."""
    shown = study.token_slides(dataset.name) if model in study.token_models else []
    for slide_id in dataset.slide_ids:
        path = at(layout.TOKENS, encoder=encoder, model=model, slide=slide_id)

        def problems(path: Path = path, slide_id: str = slide_id) -> Iterator[str]:
            features = at(layout.FEATURES, encoder=encoder, slide=slide_id)
            models = at(layout.FOLD, encoder=encoder, model=model, fold=0).parent
            folds = read_csv(at(layout.FOLDS))
            return tokens_problems(path, features, models, folds)

        if slide_id in shown or path.exists():
            yield from examine(path, problems)


def _audit_selector(dataset: Dataset, encoder: str, model: str, at: PathOf) -> Iterator[Finding]:
    path = at(layout.SELECTOR_PREDICTIONS, encoder=encoder, model=model)

    def problems() -> Iterator[str]:
        predictions = read_csv(at(layout.PREDICTIONS, encoder=encoder, model=model))
        return selector_problems(path, dataset, predictions)

    yield from examine(path, problems)
    for pattern in _SELECTOR_FILES:
        path = at(pattern, encoder=encoder, model=model)
        yield from examine(path, partial(recorded_problems, path))


def _audit_selectors(study: Study, specs: Mapping[str, Mapping], at: PathOf) -> Iterator[Finding]:
    """Audit the tables of all selectors."""
    for table, models in study.tables.items():
        if auditable_models({model: specs[model] for model in models}):
            pattern = layout.SELECTORS if table is None else layout.PAPER_SELECTORS
            path = at(pattern, paper_table=table)
            yield from examine(path, partial(recorded_problems, path))


def _audit_cohort(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    path = at(layout.COHORT)

    def problems() -> Iterator[str]:
        encoders = study.encoders_of(dataset.name)
        indexes = [read_csv(at(layout.FEATURE_INDEX, encoder=encoder)) for encoder in encoders]
        index = [] if dataset.features_dir else [str(at(layout.TILE_INDEX))]
        slides = slides_so_far(cohort_rows(dataset), index)
        return recomputed.cohort_differences(path, slides, indexes)

    return examine(path, problems)


def _audit_tile_index(dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    path = at(layout.TILE_INDEX)
    tiles, tissue = (
        [at(pattern, slide=slide_id) for slide_id in dataset.slide_ids]
        for pattern in (layout.TILES, layout.TISSUE)
    )
    return examine(path, lambda: recomputed.tiles_differences(path, dataset, tiles, tissue))


def _audit_summaries(
    study: Study, dataset: Dataset, table: str | None, models: Sequence[str], at: PathOf
) -> Iterator[Finding]:
    """Audit the tables of a dataset, or of one of its paper tables, over some models."""
    patterns = _TABLES if table is None else _PAPER_TABLES
    metrics, summary, comparisons, cost = (at(pattern, paper_table=table) for pattern in patterns)
    classes, evaluation = dataset.classes, study.evaluation
    reference = study.reference_model if table is None else study.paper_tables[table]["reference"]

    def predictions() -> recomputed.Predictions:
        return read_per_pair(layout.PREDICTIONS, model_pairs(study, dataset, models), at)

    yield from examine(
        metrics, lambda: recomputed.metrics_differences(metrics, predictions(), classes)
    )
    yield from examine(
        summary, lambda: recomputed.summary_differences(summary, predictions(), classes, evaluation)
    )
    yield from examine(
        comparisons,
        lambda: recomputed.comparisons_differences(
            comparisons, predictions(), reference, classes, evaluation
        ),
    )
    yield from examine(cost, lambda: tables.cost_problems(cost))
    alone = (cost, at(layout.PAPER_TABLE, paper_table=table)) if table else (cost,)
    for path in alone:
        yield from examine(path, partial(recorded_problems, path))


def _audit_fits(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Audit the tables over all fits of a dataset: fits.csv, and calibration.csv if asked for."""
    pairs = model_pairs(study, dataset, study.models)

    def of_folds(pattern: str, encoder: str, model: str) -> list[Path]:
        folds = range(dataset.fold_count)
        return [at(pattern, encoder=encoder, model=model, fold=fold) for fold in folds]

    def fits_problems() -> Iterator[str]:
        folders = {pair: of_folds(layout.FOLD, *pair) for pair in pairs}
        audited = model_pairs(study, dataset, auditable_models(study.models))
        audits = read_per_pair(layout.SELECTOR_AUDIT, audited, at)
        return recomputed.fits_differences(fits, folders, audits)

    def calibration_problems() -> Iterator[str]:
        predictions = read_per_pair(layout.PREDICTIONS, pairs, at)
        validation = {
            pair: dict(enumerate(map(read_csv, of_folds(layout.VAL_PREDICTIONS, *pair))))
            for pair in pairs
        }
        return recomputed.calibration_differences(
            calibration, predictions, validation, dataset.classes, study.evaluation
        )

    fits, calibration = at(layout.FITS), at(layout.CALIBRATION)
    yield from examine(fits, fits_problems)
    if study.evaluation["calibrate"]:
        yield from examine(calibration, calibration_problems)
