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

from slidesieve.audit import tables
from slidesieve.audit.diagnostics import selector_problems
from slidesieve.audit.findings import Finding, examine, version_problems
from slidesieve.audit.slides import audit_slide
from slidesieve.audit.tokens import tokens_problems
from slidesieve.config.study import Dataset, Study
from slidesieve.selector_diagnostics.auditable import auditable_models
from slidesieve.store.tables import read_csv, write_csv
from slidesieve.training.fitted import load_whole_model


def audit_dataset(study: Study, name: str, results: Path) -> list[Finding]:
    """Audit every artifact that the config makes of a dataset.

    Args:
        study: The config.
        name: The dataset.
        results: The folder of all results.
    """
    dataset, folder = study.datasets[name], results / name
    findings: list[Finding] = []
    if dataset.features_dir is None:
        for slide in tqdm(dataset.slides, desc=f"audit {name}", unit="slide", disable=None):
            findings += audit_slide(dataset, slide, study.encoders, folder)
    path = folder / "folds.csv"
    findings += examine(path, lambda: tables.folds_problems(path, dataset))
    specs = {model: study.models[model] for model in chain.from_iterable(study.tables.values())}
    for encoder in study.encoders_of(name):
        findings += _audit_index(dataset, encoder, folder)
        for model, spec in specs.items():
            findings += _audit_models(dataset, folder / "models" / encoder / model, spec)
            findings += _audit_predictions(dataset, encoder, model, folder)
            findings += _audit_tokens(study, dataset, encoder, model, folder)
        for model in auditable_models(specs):
            findings += _audit_selector(dataset, encoder, model, folder)
    if not study.paper_tables:
        findings += _audit_cohort(study, dataset, folder)
    for place, models in study.tables.items():
        findings += _audit_summaries(study, dataset, folder, folder / place, models)
    return findings


def write_findings(path: Path, findings: list[Finding]) -> Path:
    """Write findings as a table: path, status, problem."""
    rows = [(str(path), status, problem) for path, status, problem in map(astuple, findings)]
    write_csv(path, pd.DataFrame(rows, columns=["path", "status", "problem"]))
    return path


def _audit_index(dataset: Dataset, encoder: str, folder: Path) -> Iterator[Finding]:
    path = folder / "features" / f"{encoder}.csv"
    made: dict[str, Path | None]
    if dataset.features_dir is None:
        made = {i: folder / "features" / encoder / f"{i}.h5" for i in dataset.slide_ids}
    else:
        made = {i: dataset.ready_features(i) for i in dataset.slide_ids}
    files = {slide_id: file for slide_id, file in made.items() if file and file.exists()}
    return examine(path, lambda: tables.index_problems(path, dataset, files))


def _audit_models(dataset: Dataset, folder: Path, spec: Mapping) -> Iterator[Finding]:
    for fold in range(dataset.fold_count):
        path = folder / f"fold_{fold}"
        yield from examine(path, partial(_model_problems, path, dataset, spec))


def _model_problems(folder: Path, dataset: Dataset, spec: Mapping) -> Iterator[str]:
    fitted = load_whole_model(folder)
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


def _audit_predictions(
    dataset: Dataset, encoder: str, model: str, folder: Path
) -> Iterator[Finding]:
    path = folder / "predictions" / encoder / f"{model}.csv"

    def problems() -> Iterator[str]:
        folds = read_csv(folder / "folds.csv")
        index = read_csv(folder / "features" / f"{encoder}.csv")
        return tables.predictions_problems(path, dataset, folds, index)

    return examine(path, problems)


def _audit_tokens(
    study: Study, dataset: Dataset, encoder: str, model: str, folder: Path
) -> Iterator[Finding]:
    """Audit the tokens files that the config asks for, and those made besides."""
    shown = study.token_slides(dataset.name) if model in study.token_models else []
    for slide_id in dataset.slide_ids:
        path = folder / "tokens" / encoder / model / f"{slide_id}.h5"

        def problems(path: Path = path) -> Iterator[str]:
            features = folder / "features" / encoder / path.name
            folds = read_csv(folder / "folds.csv")
            return tokens_problems(path, features, folder / "models" / encoder / model, folds)

        if slide_id in shown or path.exists():
            yield from examine(path, problems)


def _audit_selector(dataset: Dataset, encoder: str, model: str, folder: Path) -> Iterator[Finding]:
    path = folder / "selectors" / encoder / model / "predictions.csv"

    def problems() -> Iterator[str]:
        predictions = read_csv(folder / "predictions" / encoder / f"{model}.csv")
        return selector_problems(path, dataset, predictions)

    return examine(path, problems)


def _audit_cohort(study: Study, dataset: Dataset, folder: Path) -> Iterator[Finding]:
    path = folder / "cohort.csv"

    def problems() -> Iterator[str]:
        encoders = study.encoders_of(dataset.name)
        indexes = [read_csv(folder / "features" / f"{encoder}.csv") for encoder in encoders]
        return tables.cohort_problems(path, dataset, indexes)

    return examine(path, problems)


def _audit_summaries(
    study: Study, dataset: Dataset, folder: Path, place: Path, models: Sequence[str]
) -> Iterator[Finding]:
    """Audit the tables in a place over some models."""
    metrics, summary, cost = (place / f"{name}.csv" for name in ("metrics", "summary", "cost"))

    def metrics_problems() -> Iterator[str]:
        predictions = {
            (encoder, model): read_csv(folder / "predictions" / encoder / f"{model}.csv")
            for encoder in study.encoders_of(dataset.name)
            for model in models
        }
        return tables.metrics_problems(metrics, dataset, predictions)

    yield from examine(metrics, metrics_problems)
    yield from examine(summary, lambda: tables.summary_problems(summary, read_csv(metrics)))
    yield from examine(cost, lambda: tables.cost_problems(cost))
