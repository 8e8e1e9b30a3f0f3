"""The four tables of a cohort with labels that models from elsewhere predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from slidesieve.inference.ensemble import predictions_of_folds
from slidesieve.models.bundle import METRICS_FILE
from slidesieve.statistics.comparisons import comparisons_table
from slidesieve.statistics.external import external_metrics, external_summary, internal_external
from slidesieve.statistics.summary import summary_table
from slidesieve.store.tables import read_csv


@dataclass(frozen=True)
class ExternalTables:
    """What metrics.csv, summary.csv, comparisons.csv and external.csv hold."""

    metrics: pd.DataFrame
    summary: pd.DataFrame
    comparisons: pd.DataFrame
    external: pd.DataFrame


@dataclass(frozen=True)
class ExternalFiles:
    """What the tables are made of.

    Attributes:
        pairs: (encoder, model) of each model.
        predictions: The ensemble's predictions per pair.
        by_fit: The predictions of each fit per pair.
        internal: How the models do on their own cohort: a bundle's metrics alone, or predictions
            per pair.
    """

    pairs: Sequence[tuple[str, str]]
    predictions: Sequence[Path]
    by_fit: Sequence[Path]
    internal: Sequence[Path]


def external_tables(
    files: ExternalFiles, classes: Sequence[str], reference: str, evaluation: Mapping
) -> ExternalTables:
    """Return the tables.

    Args:
        files: What they are made of.
        classes: Class names in the order of the config.
        reference: Model that the others are compared with.
        evaluation: The config's `bootstrap` and `seed`.
    """
    draws = {"resamples": evaluation["bootstrap"], "seed": evaluation["seed"]}
    ensembles = _per_pair(files.pairs, files.predictions)
    of_fits = _per_pair(files.pairs, files.by_fit)
    by_fold = {pair: predictions_of_folds(table) for pair, table in of_fits.items()}
    summary = external_summary(ensembles, by_fold, classes, **draws)
    return ExternalTables(
        metrics=external_metrics(ensembles, by_fold, classes),
        summary=summary,
        comparisons=comparisons_table(ensembles, reference, classes, **draws),
        external=internal_external(_internal(files, classes, draws), summary),
    )


def _internal(files: ExternalFiles, classes: Sequence[str], draws: dict[str, int]) -> pd.DataFrame:
    """Rows of summary.csv of the models on their own cohort."""
    if files.internal[0].name == METRICS_FILE:
        ((encoder, model),) = files.pairs
        return read_csv(files.internal[0]).assign(encoder=encoder, model=model)
    return summary_table(_per_pair(files.pairs, files.internal), classes, **draws)


def _per_pair(
    pairs: Sequence[tuple[str, str]], files: Sequence[Path]
) -> dict[tuple[str, str], pd.DataFrame]:
    return {pair: read_csv(file) for pair, file in zip(pairs, files, strict=True)}
