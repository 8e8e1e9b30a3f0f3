"""comparisons.csv: paired tests of models on the slides they share."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from slidesieve.errors import ConfigError, ContractError
from slidesieve.evaluation.metrics import metric_values
from slidesieve.evaluation.outcomes import Outcomes, outcomes_by_level
from slidesieve.statistics.bootstrap import (
    CONFIDENCE,
    bootstrap_metrics,
    percentile_interval,
    two_sided_p,
)
from slidesieve.statistics.delong import delong, two_sided_z
from slidesieve.statistics.multiplicity import holm
from slidesieve.statistics.summary import log_left_out

log = logging.getLogger(__name__)

_KEYS = ["encoder", "level", "metric", "model_a", "model_b"]
_RESULT = ["difference", "ci_low", "ci_high", "p"]
COLUMNS = [*_KEYS, *_RESULT, "p_holm", "test", "n"]
BOOTSTRAP = "patient bootstrap"
DELONG = "delong"
FEWEST_PATIENTS = 6
"""Of five pairs or fewer, no exact paired test reaches p < 0.05 (2 × 0.5⁵ = 0.06)."""


def comparisons_table(
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    reference: str,
    classes: Sequence[str],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of comparisons.csv: `compare_models` for each encoder in turn.

    Args:
        predictions: (encoder, model) to its out-of-fold predictions table.
        reference: The model every other one is compared with.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.
    """
    return pd.concat(
        [
            compare_models(models, reference, classes, resamples, seed, encoder)
            for encoder, models in _nested(predictions).items()
        ],
        ignore_index=True,
    )


def encoder_comparisons_table(
    predictions: Mapping[tuple[str, str], pd.DataFrame],
    classes: Sequence[str],
    resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Return the table of encoder_comparisons.csv: each model on every encoder and on the first.

    Args:
        predictions: (encoder, model) to its out-of-fold predictions table.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.

    Returns:
        The columns of comparisons.csv with model for encoder, and encoder_a and encoder_b for
        model_a and model_b. Holm's correction is over the encoders, within one model.
    """
    turned = {(model, encoder): table for (encoder, model), table in predictions.items()}
    tables = [
        compare_models(encoders, next(iter(encoders)), classes, resamples, seed, model)
        for model, encoders in _nested(turned).items()
    ]
    names = {"encoder": "model", "model_a": "encoder_a", "model_b": "encoder_b"}
    return pd.concat(tables, ignore_index=True).rename(columns=names)


def _nested(
    tables: Mapping[tuple[str, str], pd.DataFrame],
) -> dict[str, dict[str, pd.DataFrame]]:
    """Tables by the first name of their pair, then by the second."""
    nested: dict[str, dict[str, pd.DataFrame]] = {}
    for (first, second), table in tables.items():
        nested.setdefault(first, {})[second] = table
    return nested


def compare_models(
    predictions: Mapping[str, pd.DataFrame],
    reference: str,
    classes: Sequence[str],
    resamples: int,
    seed: int,
    encoder: str,
) -> pd.DataFrame:
    """Compare every model with the reference, on the rows (slide and fold) both predicted.

    Predictions of ensembles have no fold.

    Args:
        predictions: Model name to its out-of-fold predictions table.
        reference: One of the models.
        classes: Class names in the order of the config.
        resamples: Bootstrap resamples of patients.
        seed: Of the bootstrap.
        encoder: Goes into the encoder column.

    Returns:
        The columns of comparisons.csv. `difference` is model_a minus model_b, model_b being the
        reference, on the pooled out-of-fold predictions. The paired patient bootstrap tests
        every metric at both levels. DeLong tests the macro AUC, and with three or more classes
        the AUC of each (metric "auc <class>"), at patient level alone, for it takes cases as
        independent, and only where every patient is predicted once. `p_holm` is Holm's
        correction over the models compared, within a level, metric and test.

    Raises:
        ConfigError: The reference is not among the models.
        ContractError: Two models have no slide in common, or disagree about a label.
    """
    if reference not in predictions:
        raise ConfigError(
            [f"evaluation.compare_to: {reference} is none of {', '.join(predictions)}"]
        )
    rows = []
    for model in predictions:
        if model == reference:
            continue
        pair = _on_common_rows(predictions, model, reference)
        a, b = (outcomes_by_level(table, classes) for table in pair)
        where = f"{encoder}/{model} against {reference}"
        for level in a:
            found = _bootstrap_tests(a[level], b[level], resamples, seed, f"{where}, {level} level")
            key, n = (encoder, level, model, reference), len(set(a[level].case))
            rows += [(*key, n, *result) for result in found]
        if "patient" in a:
            rows += [
                (encoder, "patient", model, reference, n, *result)
                for result in _delong_tests(a["patient"], b["patient"], where)
            ]
    columns = ["encoder", "level", "model_a", "model_b", "n", "test", "metric", *_RESULT]
    table = pd.DataFrame(rows, columns=columns)
    families = table.groupby(["level", "metric", "test"])["p"]
    return table.assign(p_holm=families.transform(holm))[COLUMNS]


def _on_common_rows(
    predictions: Mapping[str, pd.DataFrame], model: str, reference: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    row = [name for name in ("slide_id", "fold") if name in predictions[model]]
    first, second = (predictions[name].set_index(row) for name in (model, reference))
    common = first.index.intersection(second.index)
    if common.empty:
        raise ContractError(f"{model} and {reference} predicted no slide in the same fold")
    first, second = first.loc[common], second.loc[common]
    for column in ("patient_id", "label"):
        differ = first[column].to_numpy() != second[column].to_numpy()
        if differ.any():
            slide = first.reset_index()["slide_id"].iloc[differ.argmax()]
            raise ContractError(f"{model} and {reference} disagree about the {column} of {slide}")
    left_out = len(predictions[model]) + len(predictions[reference]) - 2 * len(common)
    if left_out:
        log.warning("%d predictions of only %s or %s left out", left_out, model, reference)
    return first.reset_index(), second.reset_index()


def _bootstrap_tests(
    a: Outcomes, b: Outcomes, resamples: int, seed: int, where: str
) -> Iterator[tuple[str, str, float, float, float, float]]:
    """Rows test, metric, difference, interval, p. Equal seeds draw the same patients for both."""
    n_patients = len(set(a.patient))
    enough = n_patients >= FEWEST_PATIENTS
    if not enough:
        log.warning("%s: no p-values, there are only %d patients", where, n_patients)
    value_a, value_b = metric_values(a), metric_values(b)
    drawn_a, drawn_b = (bootstrap_metrics(side, resamples, seed) for side in (a, b))
    for metric, value in value_a.items():
        differences = drawn_a[metric] - drawn_b[metric]
        log_left_out(differences, f"{where}, {metric}")
        interval = percentile_interval(differences)
        p = two_sided_p(differences) if enough else float("nan")
        yield BOOTSTRAP, metric, value - value_b[metric], *interval, p


def _delong_tests(
    a: Outcomes, b: Outcomes, where: str
) -> Iterator[tuple[str, str, float, float, float, float]]:
    """Rows test, metric, difference, interval, p; none, with a log line, where DeLong is amiss."""
    counts = np.bincount(a.truth, minlength=len(a.classes))
    if len(set(a.case)) < len(a):
        log.info("%s: no DeLong test, patients are predicted more than once", where)
        return
    if counts.min() < 2 or len(a) < FEWEST_PATIENTS:
        log.info("%s: no DeLong test, a class or the whole has too few patients", where)
        return
    result = delong(a.truth, np.stack([a.probability, b.probability]))
    for metric, shares in _auc_contrasts(a.classes):
        difference, error = result.contrast(np.stack([shares, -shares]))
        margin = norm.ppf((1 + CONFIDENCE) / 2) * error
        p = two_sided_z(difference, error)
        yield DELONG, metric, difference, difference - margin, difference + margin, p


def _auc_contrasts(classes: tuple[str, ...]) -> list[tuple[str, np.ndarray]]:
    n = len(classes)
    macro = ("auc_macro_ovr", np.full(n, 1 / n))
    # Of two classes, either's curve is the other's seen from the far corner.
    each = [(f"auc {name}", np.eye(n)[i]) for i, name in enumerate(classes)] if n > 2 else []
    return [macro, *each]
