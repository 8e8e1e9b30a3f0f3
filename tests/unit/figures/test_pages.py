from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from helpers.imaginary_cohort import CLASSES, random_predictions
from slidesieve.figures.calibration_page import calibration_page
from slidesieve.figures.table_pages import cohort_page, cost_page, summary_page
from slidesieve.statistics import comparisons_table, summary_table


class Tables(HTMLParser):
    """Tables of a page as rows of cell texts; refuses tags that are not closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.bold: list[str] = []
        self._open: list[str] = []
        self._classes = ""
        self.feed(page)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        if tag in ("meta", "br"):
            return
        self._open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")
            self._classes = dict(attrs).get("class", "")

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.tables[-1][-1][-1] += (" " if "small" in self._open else "") + data
            if "best" in self._classes and "small" not in self._open:
                self.bold.append(data)


ENDS = ("value", "ci_low", "ci_high")


def cohort() -> pd.DataFrame:
    n = 4
    return pd.DataFrame(
        {
            "slide_id": ["a", "b", "c", "d"],
            "patient_id": ["p", "p", "q", "q"],
            "label": ["solid", "solid", "benign", "benign"],
            "vendor": "aperio",
            "width": [4096.0, 4096.0, np.nan, 4096.0],
            "height": [2048.0, 2048.0, np.nan, 2048.0],
            "mpp": [0.5, 0.2525, np.nan, 0.5],
            "mpp_source": ["slide", "sheet", "", "slide"],
            "tissue_area_mm2": [1.234, 2.0, np.nan, 0.0],
            "n_contours": [1, 2, np.nan, 0],
            "n_tiles": [100, 1200, 0, 0],
            "status": ["ok", "ok", "failed", "empty"],
            "reason": ["", "", "cannot read <b> & more", "no tissue"],
        },
        index=range(n),
    )


def costs() -> pd.DataFrame:
    rows = [
        {
            "encoder": "uni",
            "model": model,
            "tokens_in": tokens,
            "tokens_out": tokens // 2,
            "gflops": 0.25,
            "peak_memory_mb": 12.5,
            "latency_ms_median": 3.0,
            "device": "cpu",
            "threads": 2,
        }
        for model in ("abmil", "mean")
        for tokens in (1000, 100)
    ]
    return pd.DataFrame(rows)


def test_cohort_page_lists_unused_slides_first_with_their_reason(tmp_path):
    out = tmp_path / "cohort.html"
    cohort_page(cohort(), "demo: cohort", out)
    by_class, slides = Tables(out.read_text()).tables
    assert by_class[1:] == [["benign", "1", "2", "0"], ["solid", "1", "2", "2"]]
    assert [row[0] for row in slides[1:]] == ["c", "d", "a", "b"]
    c, b = (dict(zip(slides[0], row, strict=True)) for row in (slides[1], slides[4]))
    assert c["Status"] == "failed"
    assert c["Reason"] == "cannot read <b> & more"
    assert c["Size, px"] == c["µm per px"] == "–"
    assert b["µm per px"] == "0.2525 sheet"
    assert b["Size, px"] == "4,096 × 2,048"
    assert b["Tiles"] == "1,200"


def test_cohort_page_leaves_out_what_ready_made_features_do_not_tell(tmp_path):
    out = tmp_path / "cohort.html"
    table = cohort().assign(width=np.nan, mpp=np.nan, vendor="", status="ok", reason="")
    cohort_page(table, "mine", out)
    head = Tables(out.read_text()).tables[1][0]
    assert not {"Size, px", "µm per px", "Scanner", "Reason"} & set(head)
    assert "Tiles" in head
    assert "All used." in out.read_text()


def fits(**signs) -> pd.DataFrame:
    """Two fits; `signs` of those of a fold."""
    said = [signs.get(f"fold_{fold}", float("nan")) for fold in (0, 1)]
    return pd.DataFrame({"encoder": "uni", "model": "abmil", "fold": [0, 1], "signs": said})


def test_fits_that_look_failed_are_said_before_all_numbers(tmp_path):
    predictions = {("uni", "abmil"): random_predictions(24)}
    summary = summary_table(predictions, CLASSES, 20, seed=0)
    empty = comparisons_table(predictions, "abmil", CLASSES, 20, seed=0)
    out = tmp_path / "summary.html"
    summary_page(summary, empty, costs(), fits(fold_1="near chance"), "demo", out)
    failed = Tables(out.read_text()).tables[0]
    assert failed[1:] == [["uni", "abmil", "1", "near chance"]]
    assert "1 of 2 fits show signs of failure" in out.read_text()
    summary_page(summary, empty, costs(), fits(), "demo", out)
    assert "signs of failure" not in out.read_text()


def test_summary_page_puts_cost_beside_metrics_and_marks_the_best(tmp_path):
    predictions = {
        ("uni", "abmil"): random_predictions(36, signal=4.0),
        ("uni", "mean"): random_predictions(36, signal=0.0, seed=1),
    }
    summary = summary_table(predictions, CLASSES, 100, seed=0)
    comparisons = comparisons_table(predictions, "abmil", CLASSES, 100, seed=0)
    out = tmp_path / "summary.html"
    summary_page(summary, comparisons, costs(), fits(), "demo", out)
    page = Tables(out.read_text())
    slides, patients, *tests = page.tables
    assert len(tests) == 2
    abmil = dict(zip(slides[0], slides[1], strict=True))
    row = summary.query("model == 'abmil' and level == 'slide' and metric == 'log_loss'").iloc[0]
    value = f"{row['pooled']:.3f}"
    interval = f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
    folds = f"folds {row['mean']:.3f} ± {row['std']:.3f}"
    assert abmil["Log loss"] == f"{value} {interval}; {folds}"
    assert value in page.bold
    assert abmil["Tokens kept"] == "50 50% of 100"
    assert patients[2][:2] == ["uni", "mean"]
    accuracy = next(line for line in tests[0] if line[2] == "Accuracy")
    assert accuracy[:2] == ["uni", "mean"]
    assert accuracy[3].startswith("-0.")


def test_summary_page_of_one_model_has_no_tests(tmp_path):
    predictions = {("uni", "abmil"): random_predictions(24)}
    summary = summary_table(predictions, CLASSES, 20, seed=0)
    comparisons = comparisons_table(predictions, "abmil", CLASSES, 20, seed=0)
    out = tmp_path / "summary.html"
    summary_page(summary, comparisons, costs(), fits(), "demo", out)
    assert len(Tables(out.read_text()).tables) == 2


def test_a_metric_that_no_fold_defines_is_shown_of_the_pool_alone(tmp_path):
    predictions = {("uni", "abmil"): random_predictions(8, folds=8)}
    summary = summary_table(predictions, CLASSES, 20, seed=0)
    out = tmp_path / "summary.html"
    empty = comparisons_table(predictions, "abmil", CLASSES, 20, seed=0)
    summary_page(summary, empty, costs(), fits(), "demo", out)
    slides = Tables(out.read_text()).tables[0]
    abmil = dict(zip(slides[0], slides[1], strict=True))
    row = summary.query("level == 'slide' and metric == 'auc_macro_ovr'").iloc[0]
    interval = f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
    assert row["n_folds"] == 0
    assert abmil["AUC, macro"] == f"{row['pooled']:.3f} {interval}"
    assert "nan" not in out.read_text()


def test_metrics_of_a_pool_without_one_of_the_classes_are_dashes(tmp_path):
    predictions = {("uni", "abmil"): random_predictions(12).query("label != 'solid'")}
    summary = summary_table(predictions, CLASSES, 20, seed=0)
    out = tmp_path / "summary.html"
    empty = comparisons_table(predictions, "abmil", CLASSES, 20, seed=0)
    summary_page(summary, empty, costs(), fits(), "demo", out)
    slides = Tables(out.read_text()).tables[0]
    abmil = dict(zip(slides[0], slides[1], strict=True))
    assert abmil["AUC, macro"] == "– undefined: a class has no case"
    assert "nan" not in out.read_text()


def test_the_calibration_page_holds_both_values(tmp_path):
    cells = {f"{prefix}{end}": 0.5 for prefix in ("", "calibrated_") for end in ENDS}
    cells |= {f"difference_{end}": -0.1 for end in ENDS}
    keys = {"encoder": "uni", "model": "abmil", "method": "temperature", "metric": "ece", "n": 9}
    rows = pd.DataFrame([{**keys, "level": level, **cells} for level in ("slide", "patient")])
    out = tmp_path / "calibration.html"
    calibration_page(rows, "demo", out)
    slides, _ = Tables(out.read_text()).tables
    assert slides[1] == [
        *("uni", "abmil", "temperature", "Calibration error"),
        *("0.500 0.500 to 0.500",) * 2,
        "-0.100 -0.100 to -0.100",
    ]


def test_cost_page_has_a_row_per_model_and_bag(tmp_path):
    out = tmp_path / "cost.html"
    cost_page(costs(), "demo", out)
    (rows,) = Tables(out.read_text()).tables
    assert [row[1:3] for row in rows[1:]] == [
        ["abmil", "1,000"],
        ["abmil", "100"],
        ["mean", "1,000"],
        ["mean", "100"],
    ]


@pytest.mark.parametrize("title", ["a <script>", "x & y"])
def test_titles_are_escaped(tmp_path, title):
    out = tmp_path / "cost.html"
    cost_page(costs(), title, out)
    assert title not in out.read_text()


def test_main_metrics_come_first_and_the_rest_is_folded(tmp_path):
    predictions = {(encoder, "abmil"): random_predictions(24) for encoder in ("uni", "conch")}
    summary = summary_table(predictions, CLASSES, 20, seed=0)
    pair = {("uni", name): random_predictions(24, seed=n) for n, name in enumerate("ab")}
    comparisons = comparisons_table(pair, "a", CLASSES, 20, seed=0)
    cost = pd.concat([costs(), costs().assign(encoder="conch")])
    out = tmp_path / "summary.html"
    summary_page(summary, comparisons, cost, fits(), "demo", out)
    page = out.read_text()
    slides = Tables(page).tables[0]
    assert slides[0][2:6] == ["Balanced accuracy", "AUC, macro", "F1, macro", "Log loss"]
    assert 'class="number">Log loss<' in page
    assert 'class="number folded">Accuracy<' in page
    assert "Show more: Accuracy, " in page
    tests = [line[2] for rows in Tables(page).tables[2:] for line in rows[1:]]
    folded = [name for name in tests if name not in slides[0][2:6]]
    assert tests[0] == "Balanced accuracy"
    assert page.count('<tr class="folded">') == len(folded) > 0


@pytest.mark.parametrize(
    ("gflops", "head", "cell"), [(0.25, "MFLOPs", "250.000"), (2, "GFLOPs", "2.000")]
)
def test_operations_are_in_a_unit_that_is_easily_read(tmp_path, gflops, head, cell):
    out = tmp_path / "cost.html"
    cost_page(costs().assign(gflops=gflops), "demo", out)
    (rows,) = Tables(out.read_text()).tables
    assert dict(zip(rows[0], rows[1], strict=True))[head] == cell
