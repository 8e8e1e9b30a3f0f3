"""Pooled figures with a bootstrap over cohorts and, within each, slides."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.statistics.bootstrap import percentile_interval

_DRAWS = 2000
_KEYS = ["cohort", "slide_id", "fit_seed"]


def summary(results: pd.DataFrame, reference: str = "abmil") -> pd.DataFrame:
    """Return a row per model with balanced accuracy, AUC, recall, and the paired difference.

    Args:
        results: cohort, fold, fit_seed, model, slide_id, is_tumour, prob_tumour, recall.
        reference: Model that the others are compared with, on the slides that both tested.
    """
    rows = []
    known = results[results["model"] == reference]
    for model, own in results.groupby("model", sort=False):
        row = {"model": model, "cohorts": own["cohort"].nunique(), "slides": len(own)}
        row["balanced_accuracy"] = with_interval(own, lambda table: _balanced(table, ""))
        if "threshold" in own:
            row["with threshold"] = with_interval(own, _with_threshold)
        row["auc"] = f"{_auc(own):.3f}"
        row["recall"] = with_interval(own, lambda table: float(table["recall"].mean()))
        pair = own.merge(known, on=_KEYS, suffixes=("", "_of_reference"))
        if model != reference and len(pair):
            row[f"minus {reference}"] = with_interval(
                pair, lambda table: _balanced(table, "") - _balanced(table, "_of_reference")
            )
        rows.append(row)
    return pd.DataFrame(rows)


def difference(results: pd.DataFrame, model: str, other: str) -> str:
    """Return one model's balanced accuracy minus another's, with its interval."""
    pair = results[results["model"] == model].merge(
        results[results["model"] == other], on=_KEYS, suffixes=("", "_of_other")
    )
    return with_interval(pair, lambda table: _balanced(table, "") - _balanced(table, "_of_other"))


def with_interval(table: pd.DataFrame, statistic: Callable[[pd.DataFrame], float]) -> str:
    """Return a statistic with the 95 % interval of cohorts and their slides drawn anew."""
    rng = np.random.default_rng(0)
    table = table.reset_index(drop=True)
    groups = [_slides(own) for _, own in table.groupby("cohort")]
    drawn = []
    for _ in range(_DRAWS // 4):
        rows = []
        for cohort in rng.integers(len(groups), size=len(groups)):
            slides = groups[cohort]
            chosen = rng.integers(len(slides), size=len(slides))
            rows.append(np.concatenate([slides[i] for i in chosen]))
        drawn.append(statistic(table.iloc[np.concatenate(rows)]))
    low, high = percentile_interval(np.array(drawn))
    return f"{statistic(table):.3f} ({low:.3f} to {high:.3f})"


def _slides(own: pd.DataFrame) -> list[NDArray[np.intp]]:
    """Return the rows of each slide: all its fits are drawn together."""
    return [rows.to_numpy() for rows in own.groupby("slide_id").groups.values()]


def _balanced(table: pd.DataFrame, suffix: str) -> float:
    return _mean_recall(table, table[f"prob_tumour{suffix}"].to_numpy() > 0.5)


def _with_threshold(table: pd.DataFrame) -> float:
    return _mean_recall(table, (table["prob_tumour"] > table["threshold"]).to_numpy())


def _mean_recall(table: pd.DataFrame, said: NDArray[np.bool_]) -> float:
    is_tumour = table["is_tumour"].to_numpy()
    right = said == is_tumour
    return float((right[is_tumour == 1].mean() + right[is_tumour == 0].mean()) / 2)


def _auc(table: pd.DataFrame) -> float:
    """Return the mean AUC of the fits: their probabilities have no common scale."""
    found = []
    for _, own in table.groupby(["cohort", "fold", "fit_seed"]):
        ranks = own["prob_tumour"].rank().to_numpy()
        positive = own["is_tumour"].to_numpy() == 1
        n_pos, n_neg = positive.sum(), (~positive).sum()
        found.append((ranks[positive].sum() - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))
    return float(np.mean(found))
