"""sites.csv: metrics of each site's slides on their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from slidesieve.evaluation.metrics import metric_values
from slidesieve.evaluation.outcomes import slide_outcomes
from slidesieve.statistics.bootstrap import bootstrap_metrics, percentile_interval

COLUMNS = ["encoder", "model", "site", "metric", "value", "ci_low", "ci_high", "n", "n_patients"]


def site_table(
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    site_of: Mapping[str, str],
    classes: Sequence[str],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of sites.csv, of slides.

    Args:
        predictions: (encoder, model) to its out-of-fold predictions table.
        site_of: Site of each slide_id.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of the site's patients.
        seed: Of the bootstrap.

    Returns:
        A row per encoder, model, site and metric, with the 95 % interval. Metrics that average
        over classes are NaN where the site has no slide of one; accuracy, log_loss, brier and ece
        need no class.
    """
    rows = []
    for (encoder, model), table in predictions.items():
        outcomes = slide_outcomes(table, classes)
        sites = np.array([site_of[case] for case in outcomes.case], dtype=object)
        for site in sorted(set(sites)):
            own = outcomes.take(sites == site)
            drawn = bootstrap_metrics(own, resamples, seed)
            n = len(set(own.case)), len(set(own.patient))
            for metric, value in metric_values(own).items():
                interval = percentile_interval(drawn[metric])
                rows.append((encoder, model, site, metric, value, *interval, *n))
    return pd.DataFrame(rows, columns=COLUMNS)
