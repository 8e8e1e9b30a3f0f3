"""audit.csv against values found another way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, roc_auc_score

from slidesieve.selector_diagnostics.tables import COLUMNS, leakage_table, paths_table, slides_table
from slidesieve.statistics.summary import summary_table

CLASSES = ("benign", "tumour")


def predictions(seed: int = 0) -> pd.DataFrame:
    """Three paths on 40 slides of 20 patients in two folds; the soft one is drawn twice."""
    rng = np.random.default_rng(seed)
    rows = []
    for path, draw, skill in (
        ("soft", 0, 1.0),
        ("soft", 1, 1.0),
        ("hard", 0, 0.5),
        ("hard_denoised", 0, 0.8),
    ):
        for slide in range(40):
            patient = slide // 2
            label = patient % 2
            p = 1 / (1 + np.exp(-rng.normal(skill * (2 * label - 1), 1.0)))
            rows.append(
                {
                    "path": path,
                    "draw": draw,
                    "slide_id": f"s{slide:02}",
                    "patient_id": f"p{patient:02}",
                    "fold": int(patient >= 10),
                    "label": CLASSES[label],
                    "prediction": CLASSES[int(p > 0.5)],
                    "prob_benign": 1 - p,
                    "prob_tumour": p,
                }
            )
    return pd.DataFrame(rows)


def test_paths_are_scored_like_scikit_learn_does_and_draws_are_averaged():
    table = predictions()
    found = paths_table(table, CLASSES, 200, seed=0)
    assert found.columns.tolist() == COLUMNS
    values = found[found["level"] == "slide"].set_index(["variant", "fold", "metric"])["value"]
    for variant, draws in (("soft", 2), ("hard", 1), ("hard_denoised", 1)):
        for fold in (0, 1, "pooled"):
            parts = [
                table[
                    (table["path"] == variant)
                    & (table["draw"] == draw)
                    & ((table["fold"] == fold) | (fold == "pooled"))
                ]
                for draw in range(draws)
            ]
            for metric, score in (
                ("accuracy", lambda t: accuracy_score(t["label"], t["prediction"])),
                (
                    "balanced_accuracy",
                    lambda t: balanced_accuracy_score(t["label"], t["prediction"]),
                ),
                (
                    "auc_macro_ovr",
                    lambda t: roc_auc_score(t["label"] == "tumour", t["prob_tumour"]),
                ),
            ):
                expected = np.mean([score(part) for part in parts])
                assert values[variant, fold, metric] == pytest.approx(expected)


def test_differences_are_paired_with_the_hard_path():
    found = paths_table(predictions(), CLASSES, 500, seed=0).set_index(
        ["variant", "level", "fold", "metric"]
    )
    for other in ("soft", "hard_denoised"):
        difference = found.loc[f"{other}-hard", "patient", "pooled", "auc_macro_ovr"]
        parts = [
            found.loc[name, "patient", "pooled", "auc_macro_ovr"]["value"]
            for name in (other, "hard")
        ]
        assert difference["value"] == pytest.approx(parts[0] - parts[1])
        assert difference["ci_low"] < difference["value"] < difference["ci_high"]
    same = predictions()
    same = pd.concat([same[same["path"] == "hard"].assign(path=path) for path in ("soft", "hard")])
    row = (
        paths_table(same, CLASSES, 500, seed=0)
        .set_index(["variant", "level", "fold", "metric"])
        .loc["soft-hard", "slide", "pooled", "accuracy"]
    )
    assert (row["value"], row["ci_low"], row["ci_high"]) == (0, 0, 0)


def test_the_hard_path_has_the_interval_of_the_summary():
    table = predictions()
    hard = table[table["path"] == "hard"].drop(columns=["path", "draw"])
    summary = summary_table({("e", "m"): hard}, CLASSES, 300, seed=5).set_index(["level", "metric"])
    found = paths_table(table, CLASSES, 300, seed=5)
    pooled = found[(found["variant"] == "hard") & (found["fold"] == "pooled")]
    for row in pooled.itertuples():
        expected = summary.loc[row.level, row.metric]
        assert (row.ci_low, row.ci_high, row.n) == (
            expected["ci_low"],
            expected["ci_high"],
            expected["n"],
        )


def test_slide_measures_are_means_with_patients_drawn():
    rng = np.random.default_rng(0)
    slides = pd.DataFrame(
        {
            "slide_id": [f"s{i}" for i in range(30)],
            "patient_id": [f"p{i // 3}" for i in range(30)],
            "fold": [i // 15 for i in range(30)],
            "topic": "truth",
            "variant": "model",
            "metric": "recall",
            "value": np.repeat(rng.random(10), 3),
        }
    )
    across = slides.assign(fold="pooled", topic="folds", metric="jaccard")
    found = slides_table(pd.concat([slides, across]), 2000, seed=0).set_index(["topic", "fold"])
    assert set(found.index) == {
        *(("truth", 0), ("truth", 1), ("truth", "pooled"), ("folds", "pooled"))
    }
    assert found.loc[("truth", 1), "value"] == pytest.approx(slides["value"][15:].mean())
    pooled = found.loc[("truth", "pooled")]
    assert pooled["n"] == 30
    # Three slides of a patient say the same, so the interval is that of ten numbers.
    of_patients = slides["value"][::3]
    half = 1.96 * of_patients.std(ddof=0) / np.sqrt(10)
    assert pooled["value"] - pooled["ci_low"] == pytest.approx(half, rel=0.2)
    assert pooled["ci_high"] - pooled["value"] == pytest.approx(half, rel=0.2)


def test_leakage_is_averaged_over_folds():
    rows = [
        ("kept", "r2", 0.2, 0, 10),
        ("kept", "r2", 0.4, 1, 30),
        ("kept", "r2_permuted", 0, 0, 1),
    ]
    table = leakage_table(pd.DataFrame(rows, columns=["variant", "metric", "value", "fold", "n"]))
    mean = table[(table["fold"] == "pooled") & (table["metric"] == "r2")].iloc[0]
    assert (mean["value"], mean["n"]) == (pytest.approx(0.3), 40)
    assert len(table) == 5
