"""audit.csv: what was measured on slides and fitted models, with its intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pandas as pd

from slidesieve.evaluation.metrics import METRICS
from slidesieve.evaluation.outcomes import Outcomes, outcomes_by_level
from slidesieve.evaluation.tables import POOLED
from slidesieve.selector_diagnostics.paths import HARD, PATHS
from slidesieve.statistics.bootstrap import Values, cluster_weights, percentile_interval

PATH_METRICS = ("balanced_accuracy", "accuracy", "auc_macro_ovr")
_KEYS = ["topic", "variant", "metric"]
COLUMNS = ["topic", "variant", "level", "fold", "metric", "value", "ci_low", "ci_high", "n"]


def paths_table(
    predictions: pd.DataFrame, classes: Sequence[str], resamples: int, seed: int
) -> pd.DataFrame:
    """Score each path on the test slides, and say what leaving the soft path costs.

    Args:
        predictions: path, draw and the columns of a predictions table.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.

    Returns:
        Rows of audit.csv, topic "paths": each path, and each other path minus the hard one on the
        same resamples. Of a path with several draws, the metric is the mean over the draws.
    """
    draws = [
        (path, outcomes_by_level(table.drop(columns=["path", "draw"]), classes))
        for (path, _), table in predictions.groupby(["path", "draw"], sort=True)
    ]
    folds = sorted(predictions["fold"].unique().tolist())
    rows = []
    for level in draws[0][1]:
        for fold in (*folds, POOLED):
            of_path = {
                path: [_of_fold(levels[level], fold) for drawn, levels in draws if drawn == path]
                for path in PATHS
                if any(drawn == path for drawn, _ in draws)
            }
            for variant, metric, value, low, high, n in _scored(of_path, resamples, seed):
                rows.append(("paths", variant, level, fold, metric, value, low, high, n))
    return pd.DataFrame(rows, columns=COLUMNS)


def slides_table(slides: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Average what was measured per slide, over each fold and over all.

    Args:
        slides: slide_id, patient_id, fold, topic, variant, metric, value; what belongs to no fold
            has the fold "pooled".
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.
    """
    rows = []
    for key, table in slides.groupby(_KEYS, sort=False):
        topic, variant, metric = key
        folds = [fold for fold in table["fold"].unique().tolist() if fold != POOLED]
        for fold in (*folds, POOLED):
            part = table if fold == POOLED else table[table["fold"] == fold]
            values = part["value"].to_numpy(float)
            interval = percentile_interval(
                np.concatenate(
                    [
                        weights @ values / weights.sum(axis=1)
                        for weights in cluster_weights(part["patient_id"], resamples, seed)
                    ]
                )
            )
            n = part["slide_id"].nunique()
            rows.append((topic, variant, "slide", fold, metric, values.mean(), *interval, n))
    return pd.DataFrame(rows, columns=COLUMNS)


def leakage_table(leakage: pd.DataFrame) -> pd.DataFrame:
    """Rows of audit.csv for the leakage probe; "pooled" is the mean over folds.

    Args:
        leakage: variant, metric, fold, value and n, the test tokens; a row per fold.
    """
    table = leakage.assign(topic="leakage", level="token", ci_low=np.nan, ci_high=np.nan)
    pooled = table.groupby(["topic", "variant", "level", "metric"], sort=False, as_index=False)
    mean = pooled.agg(value=("value", "mean"), n=("n", "sum")).assign(fold=POOLED)
    return pd.concat([table, mean], ignore_index=True).reindex(columns=COLUMNS)


def _of_fold(outcomes: Outcomes, fold: int | str) -> Outcomes:
    return outcomes if fold == POOLED else outcomes.take(outcomes.fold == fold)


def _scored(
    of_path: dict[str, list[Outcomes]], resamples: int, seed: int
) -> Iterator[tuple[str, str, float, float, float, int]]:
    """Yield path, metric, value, interval and cases; and the same of the differences to hard."""
    first = of_path[HARD][0]
    n = len(set(first.case))
    weights = list(cluster_weights(first.patient, resamples, seed))
    once = [np.ones((1, len(first)))]
    for metric in PATH_METRICS:
        score = METRICS[metric]
        values = {path: _mean_over_draws(score, of, once)[0] for path, of in of_path.items()}
        drawn = {path: _mean_over_draws(score, of, weights) for path, of in of_path.items()}
        for path in of_path:
            yield path, metric, float(values[path]), *percentile_interval(drawn[path]), n
        for path in of_path:
            if path != HARD:
                interval = percentile_interval(drawn[path] - drawn[HARD])
                yield f"{path}-{HARD}", metric, float(values[path] - values[HARD]), *interval, n


def _mean_over_draws(
    score: Callable[[Outcomes, Values], Values], draws: list[Outcomes], weights: list[Values]
) -> Values:
    """Return a metric for every row of weights, the mean over a path's draws."""
    return np.mean(
        [np.concatenate([score(outcomes, block) for block in weights]) for outcomes in draws],
        axis=0,
    )
