"""A study's table: ours from our files, the paper's from the config, never mixed up."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pandas as pd
import pytest

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.figures.paper_table_page import paper_table_page, recipe_words
from slidesieve.figures.paper_table_plot import paper_table_plot
from slidesieve.paper_tables.table import paper_table
from slidesieve.statistics.comparisons import comparisons_table
from slidesieve.statistics.summary import summary_table

STUDY = {
    "title": "Table 8: share kept",
    "reference": "full",
    "measures": ["balanced_accuracy", "auc_macro_ovr", "tokens_kept", "gflops"],
    "level": "patient",
    "paper": {
        "source": "A paper, 2026",
        "columns": {
            "nsclc_acc": {"place": "Table 8, TCGA-NSCLC, Acc", "beside": "balanced_accuracy"},
            "gflops": {"place": "Table 2, FLOPs (G)", "beside": "gflops"},
            "memory_gb": {"place": "Table 2, GPU Mem (GB)"},
        },
    },
    "rows": {
        "full": {"label": "all", "columns": {"r": 1.0}, "paper": {"gflops": 118.4}},
        "some": {
            "label": "r = 0.4",
            "columns": {"r": 0.4},
            "paper": {"nsclc_acc": 0.983, "gflops": 24.3, "memory_gb": 6.4},
        },
    },
}
PLAIN = {key: value for key, value in STUDY.items() if key != "paper"} | {
    "rows": {name: row | {"paper": {}} for name, row in STUDY["rows"].items()}
}


def with_tokens(table: pd.DataFrame, share: float) -> pd.DataFrame:
    tokens = np.arange(len(table)) * 10 + 100
    return table.assign(tokens_in=tokens, tokens_kept=np.round(share * tokens).astype(int))


RECIPE = {name: {"epochs": 100} for name in STUDY["rows"]}


@pytest.fixture(scope="module")
def found():
    models = {"full": (2.0, 1.0), "some": (0.5, 0.4)}
    predictions = {
        (encoder, model): with_tokens(random_predictions(24, signal=signal, seed=seed), share)
        for seed, encoder in enumerate(("uni", "conch"))
        for model, (signal, share) in models.items()
    }
    cost = pd.DataFrame(
        [
            (encoder, model, tokens, tokens * share, 1.0, 2.0, 0.5, "cpu")
            for encoder, model in predictions
            for tokens, share in ((900, 0.5), (100, 0.02))
        ],
        columns=[
            *("encoder", "model", "tokens_in", "gflops", "peak_memory_mb", "latency_ms_median"),
            *("training_s_per_epoch", "device"),
        ],
    )
    summary = summary_table(predictions, CLASSES, 50, seed=0)
    comparisons = comparisons_table(predictions, "full", CLASSES, 50, seed=0)
    return summary, comparisons, cost, predictions


@pytest.fixture(scope="module")
def table(found):
    return paper_table(STUDY, *found)


def test_a_row_for_every_encoder_and_row_of_the_study(table):
    assert list(zip(table["encoder"], table["model"], strict=True)) == [
        *(("uni", "full"), ("uni", "some")),
        *(("conch", "full"), ("conch", "some")),
    ]
    assert table.columns.tolist()[:5] == ["encoder", "model", "label", "r", "n"]
    assert (table["n"] == 24).all()


def test_ours_are_the_patient_rows_of_the_summary(table, found):
    rows = found[0].set_index(["encoder", "model", "level", "metric"])
    for row in table.itertuples():
        own = rows.loc[(row.encoder, row.model, "patient", "auc_macro_ovr")]
        assert row.auc_macro_ovr == own["pooled"]
        assert (row.auc_macro_ovr_ci_low, row.auc_macro_ovr_ci_high) == tuple(
            own[["ci_low", "ci_high"]]
        )


def test_differences_are_paired_bootstrap_tests_and_empty_for_the_reference(table, found):
    tests = found[1]
    own = tests[
        (tests["encoder"] == "conch")
        & (tests["level"] == "patient")
        & (tests["metric"] == "auc_macro_ovr")
        & (tests["test"] == "patient bootstrap")
    ].iloc[0]
    row = table.set_index(["encoder", "model"]).loc[("conch", "some")]
    for column, name in (("", "difference"), ("_ci_low", "ci_low"), ("_p_holm", "p_holm")):
        assert row[f"auc_macro_ovr_difference{column}"] == own[name]
    reference = table[table["model"] == "full"]
    assert reference.filter(like="difference").isna().all(axis=None)


def test_tokens_are_counted_on_slides_and_costs_are_of_the_typical_one(table):
    by_model = table.groupby("model").first()
    assert by_model.loc["full", "tokens_kept"] == 1
    assert by_model.loc["some", "tokens_kept"] == pytest.approx(0.4, abs=0.002)
    assert by_model.loc["some", "gflops"] == pytest.approx(100 * 0.02)


def test_the_papers_numbers_are_marked_and_stand_where_it_gave_them(table):
    assert [name for name in table if name.startswith("paper_")] == [
        *("paper_nsclc_acc", "paper_gflops", "paper_memory_gb")
    ]
    some, full = (table[table["model"] == model] for model in ("some", "full"))
    assert (some["paper_nsclc_acc"] == 0.983).all()
    assert full["paper_nsclc_acc"].isna().all()


def test_without_a_paper_no_column_claims_to_be_one(found):
    assert not [name for name in paper_table(PLAIN, *found) if "paper" in name]


def test_the_figure_names_rows_and_owners(table, tmp_path):
    path = tmp_path / "study.svg"
    paper_table_plot(STUDY, table, "tcga", path)
    words = " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text()))
    for text in ("r = 0.4", "ours: tcga, uni", "ours: tcga, conch", "n = 24", "GFLOPs"):
        assert text in words
    assert "the paper's: Table 8, TCGA-NSCLC" in words
    assert "GPU Mem" not in words  # stands beside nothing of ours


def test_the_page_sets_the_papers_columns_apart(table, tmp_path):
    paper_table_page(STUDY, table, RECIPE, "tcga", tmp_path / "study.html")
    page = (tmp_path / "study.html").read_text()
    assert "Shaded columns are not ours: they are printed in A paper, 2026" in page
    assert '<td class="number paper">0.983</td>' in page
    assert page.count('class="number paper"') == 4 * 3


def test_the_page_prints_the_recipe_of_all_rows_and_what_a_row_has_otherwise():
    recipe = {"a": {"epochs": 100, "lr": 0.001}, "b": {"epochs": 100, "lr": 0.0002}}
    assert recipe_words(recipe, {"a": "ABMIL", "b": "DSMIL"}) == (
        "Training of all rows: epochs 100. ABMIL: lr 0.001. DSMIL: lr 0.0002."
    )
    assert (
        recipe_words({"a": {"epochs": 100}}, {"a": "ABMIL"}) == "Training of all rows: epochs 100."
    )


def test_a_study_without_a_paper_can_be_drawn(found, tmp_path):
    table = paper_table(PLAIN, *found)
    paper_table_plot(PLAIN, table, "mine", tmp_path / "study.png")
    recipe = {name: {"epochs": 100} for name in PLAIN["rows"]}
    paper_table_page(PLAIN, table, recipe, "mine", tmp_path / "study.html")
    assert "Shaded" not in (tmp_path / "study.html").read_text()


def test_a_long_legend_stays_on_the_figure(found, tmp_path):
    place = "Table 4 (random sampling: Table 1), TCGA-{}, Acc"
    columns = {
        name: {"place": place.format(name), "beside": "balanced_accuracy"}
        for name in ("NSCLC", "BRCA", "RCC", "PANDA")
    }
    study = STUDY | {"measures": ["balanced_accuracy", "auc_macro_ovr"]}
    study["paper"] = {"source": "A paper, 2026", "columns": columns}
    study["rows"] = {
        name: row | {"paper": dict.fromkeys(columns, 0.9)} for name, row in STUDY["rows"].items()
    }
    paper_table_plot(study, paper_table(study, *found), "demo", tmp_path / "plot.png")
    right_margin = cv2.imread(str(tmp_path / "plot.png"))[:, -4:]
    assert (right_margin == 255).all()
