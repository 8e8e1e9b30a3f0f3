"""metrics.csv: every metric of every model, level and fold."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import pandas as pd

from slidesieve.evaluation.metrics import metric_values
from slidesieve.evaluation.outcomes import Outcomes, outcomes_by_level

log = logging.getLogger(__name__)

POOLED = "pooled"
COLUMNS = ["encoder", "model", "level", "fold", "metric", "value"]


def metrics_table(
    predictions: Mapping[tuple[str, str], pd.DataFrame], classes: Sequence[str]
) -> pd.DataFrame:
    """Return the tidy table of metrics.csv.

    Args:
        predictions: (encoder, model) to its out-of-fold predictions table.
        classes: Class names in the order of the config.

    Returns:
        A row per encoder, model, level, fold and metric. Fold "pooled" takes the out-of-fold
        predictions of all folds, and of all repeats, together. Undefined values are NaN and the
        reason is logged.
    """
    rows = [
        (encoder, model, level, fold, metric, value)
        for (encoder, model), table in predictions.items()
        for level, outcomes in outcomes_by_level(table, classes).items()
        for fold, part in _parts(outcomes)
        for metric, value in _logged_values(part, f"{encoder}/{model}, {level} level, fold {fold}")
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _parts(outcomes: Outcomes) -> list[tuple[str, Outcomes]]:
    folds = sorted(set(outcomes.fold.tolist()))
    parts = [(str(fold), outcomes.take(outcomes.fold == fold)) for fold in folds]
    return [*parts, (POOLED, outcomes)]


def _logged_values(outcomes: Outcomes, where: str) -> list[tuple[str, float]]:
    values = metric_values(outcomes)
    undefined = [name for name, value in values.items() if value != value]
    if undefined:
        present = set(outcomes.truth.tolist())
        absent = [name for i, name in enumerate(outcomes.classes) if i not in present]
        reason = f"no case of {', '.join(absent)}" if absent else "a single class throughout"
        log.warning("%s: %s undefined (%s)", where, ", ".join(undefined), reason)
    return list(values.items())
