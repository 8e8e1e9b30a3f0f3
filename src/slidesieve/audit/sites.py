"""Audit of the tables that compare encoders and sites, where a study has several."""

from __future__ import annotations

from collections.abc import Iterator

from slidesieve.audit import recomputed
from slidesieve.audit.findings import Finding, PathOf, examine
from slidesieve.audit.pairs import model_pairs, read_per_pair
from slidesieve.config.study import Dataset, Study
from slidesieve.plan import layout, params


def audit_encoders(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Audit encoder_comparisons.csv.

    Args:
        study: The config.
        dataset: The dataset.
        at: Gives a file of the dataset.
    """
    path = at(layout.ENCODER_COMPARISONS)
    if len(study.encoders_of(dataset.name)) > 1:
        yield from examine(
            path,
            lambda: recomputed.encoder_comparisons_differences(
                path, _predictions(study, dataset, at), dataset.classes, study.evaluation
            ),
        )


def audit_sites(study: Study, dataset: Dataset, at: PathOf) -> Iterator[Finding]:
    """Audit sites.csv; the arguments are those of `audit_encoders`."""
    path = at(layout.SITES)
    if dataset.settings["folds"]["group_also"] == "site":
        yield from examine(
            path,
            lambda: recomputed.sites_differences(
                path,
                _predictions(study, dataset, at),
                params.sites(dataset),
                dataset.classes,
                study.evaluation,
            ),
        )


def _predictions(study: Study, dataset: Dataset, at: PathOf) -> recomputed.Predictions:
    return read_per_pair(layout.PREDICTIONS, model_pairs(study, dataset, study.models), at)
