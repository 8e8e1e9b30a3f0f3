"""The first page says what was used, what was left out, and which models did best."""

from __future__ import annotations

import pandas as pd

from slidesieve.figures.headline import best_models, cohort_words, write_headline

STATUSES = ("ok", "ok", "ok", "failed", "empty", "empty")


def cohort() -> pd.DataFrame:
    patients, labels = ("p", "p", "q", "q", "r", "s"), ("a", "a", "b", "b", "b", "b")
    return pd.DataFrame({"patient_id": patients, "label": labels, "status": STATUSES})


def summary(levels=("slide", "patient")) -> pd.DataFrame:
    rows = [
        {
            "encoder": "uni",
            "model": model,
            "level": level,
            "metric": metric,
            "n": n,
            "pooled": value,
        }
        for level, n in zip(levels, (6, 4), strict=False)
        for model, value in (("mean", 0.4), ("abmil", 0.9), ("max", 0.6), ("dtc", 0.7))
        for metric in ("balanced_accuracy", "auc_macro_ovr", "f1_macro", "log_loss", "brier")
    ]
    return pd.DataFrame(rows).assign(encoder="uni", ci_low=0.1, ci_high=0.95)


def test_the_cohort_is_counted_and_what_was_left_out_is_named():
    words = cohort_words(cohort())
    assert words == "3 slides of 2 patients (1 a, 1 b). Left out: 2 empty, 1 failed, of 6 slides."
    assert cohort_words(cohort().head(3)).endswith("Left out: none.")


def test_the_best_models_come_first_with_their_intervals():
    table, words = best_models(summary(), most=2)
    assert table.index("abmil") < table.index("dtc")
    assert "mean" not in table
    assert "0.900<br><small>0.100 to 0.950</small>" in table
    assert "The best 2 of 4 models by balanced accuracy, n = 4 patients" in words


def test_without_patients_slides_are_counted():
    assert "n = 6 slides" in best_models(summary(levels=("slide",)))[1]


def test_the_figures_are_in_the_page(tmp_path):
    figure, out = tmp_path / "models.png", tmp_path / "headline.html"
    figure.write_bytes(b"\x89PNG")
    write_headline(cohort(), summary(), [figure, figure], "mine & yours", out)
    assert out.read_text().count("data:image/png;base64,iVBORw==") == 2
    assert "<h2>mine &amp; yours</h2>" in out.read_text()
