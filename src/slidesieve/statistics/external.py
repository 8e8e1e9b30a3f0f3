"""Tables of a cohort that models of another cohort predict: internal beside external."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from slidesieve.evaluation.tables import POOLED, metrics_table
from slidesieve.statistics.summary import summary_table

Predictions = Mapping[tuple[str, str], pd.DataFrame]

_KEYS = ["encoder", "model", "level", "metric"]
_VALUES = {"pooled": "", "ci_low": "_ci_low", "ci_high": "_ci_high", "n": "_n"}
_SIDES = ("internal", "external")
COLUMNS = [
    *_KEYS,
    *(f"{side}{ending}" for side in _SIDES for ending in _VALUES.values()),
    *("difference", "difference_ci_low", "difference_ci_high"),
]


def external_metrics(
    ensembles: Predictions, by_fit: Predictions, classes: Sequence[str]
) -> pd.DataFrame:
    """Return metrics.csv: each fold's model on the whole cohort, and their mean as "pooled".

    Args:
        ensembles: (encoder, model) to its ensemble's predictions, a row per slide.
        by_fit: (encoder, model) to the predictions of each fold's model, a row per slide and fold.
        classes: Class names in the order of the config.
    """
    of_fits, of_ensembles = metrics_table(by_fit, classes), metrics_table(ensembles, classes)
    rows = [
        of_fits[of_fits["fold"] != POOLED],
        of_ensembles[of_ensembles["fold"] == POOLED],
    ]
    return pd.concat(rows, ignore_index=True)


def external_summary(
    ensembles: Predictions,
    by_fit: Predictions,
    classes: Sequence[str],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return summary.csv: `pooled` and its interval are the ensemble's.

    `mean`, `std` and `n_folds` are over the folds' models, each scored on the whole cohort.
    Arguments are those of `external_metrics` and `summary_table`.
    """
    table = summary_table(ensembles, classes, resamples, seed)
    values = metrics_table(by_fit, classes)
    fits = values[values["fold"] != POOLED].groupby(_KEYS, sort=False)["value"]
    over_fits = fits.agg(["mean", "std", "count"]).rename(columns={"count": "n_folds"})
    own = table.drop(columns=["mean", "std", "n_folds"]).join(over_fits, on=_KEYS)
    return own[table.columns]


def internal_external(internal: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    """Return external.csv: a row per encoder, model, level and metric of both cohorts.

    The interval of the difference (external minus internal) is made of the two cohorts' own
    intervals by the method of variance estimates recovery (Zou and Donner 2008,
    https://doi.org/10.1002/sim.3095), for the cohorts are independent.

    Args:
        internal: Rows of summary.csv of the cohort that the models were trained on.
        external: Rows of summary.csv of the other cohort.
    """
    sides = [
        table[[*_KEYS, *_VALUES]].rename(columns={k: f"{side}{v}" for k, v in _VALUES.items()})
        for side, table in zip(_SIDES, (internal, external), strict=True)
    ]
    both = sides[0].merge(sides[1], on=_KEYS)
    (inner, inner_low, inner_high), (outer, outer_low, outer_high) = (
        (both[side], both[f"{side}_ci_low"], both[f"{side}_ci_high"]) for side in _SIDES
    )
    difference = outer - inner
    low = difference - np.hypot(outer - outer_low, inner_high - inner)
    high = difference + np.hypot(outer_high - outer, inner - inner_low)
    cells = {"difference": difference, "difference_ci_low": low, "difference_ci_high": high}
    return both.assign(**cells)[COLUMNS]
