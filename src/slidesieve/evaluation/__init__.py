"""How good out-of-fold predictions are: nine metrics at slide and patient level."""

from __future__ import annotations

from slidesieve.evaluation.metrics import METRICS, metric_values, weighted_metrics
from slidesieve.evaluation.outcomes import Outcomes, outcomes_by_level
from slidesieve.evaluation.tables import metrics_table

__all__ = [
    "METRICS",
    "Outcomes",
    "metric_values",
    "metrics_table",
    "outcomes_by_level",
    "weighted_metrics",
]
