"""How sure the numbers are: patient-cluster bootstrap, DeLong, Holm."""

from __future__ import annotations

from slidesieve.statistics.bootstrap import cluster_weights, percentile_interval, two_sided_p
from slidesieve.statistics.comparisons import compare_models, comparisons_table
from slidesieve.statistics.delong import DelongResult, delong
from slidesieve.statistics.multiplicity import holm
from slidesieve.statistics.summary import summary_table

__all__ = [
    "DelongResult",
    "cluster_weights",
    "compare_models",
    "comparisons_table",
    "delong",
    "holm",
    "percentile_interval",
    "summary_table",
    "two_sided_p",
]
