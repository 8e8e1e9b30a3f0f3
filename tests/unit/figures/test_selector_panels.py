"""Figures of the audit hold what the audit holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from slidesieve.figures import selector_overview, selector_panels
from slidesieve.selector_diagnostics.tables import COLUMNS


def row(topic, variant, metric, value, level="slide", fold="pooled") -> tuple:
    return (topic, variant, level, fold, metric, value, value - 0.1, value + 0.1, 20)


TOPICS = (
    "paths",
    "mass",
    "leakage",
    "noise",
    "folds",
    "truth",
    "evidence",
    "sufficiency",
    "necessity",
)


def audit(topics=TOPICS) -> pd.DataFrame:
    rows = [
        *(
            row("paths", path, metric, value, "patient")
            for path, value in (("soft", 0.7), ("hard", 0.8), ("soft-hard", -0.1))
            for metric in ("balanced_accuracy", "auc_macro_ovr")
        ),
        row("mass", "model", "overlap", 0.6),
        *(
            row("leakage", name, metric, value, "token", fold)
            for name in ("kept", "gated")
            for metric, value in (("r2", 0.3), ("r2_permuted", 0.0))
            for fold in ("0", "1", "pooled")
        ),
        *(row("noise", name, "jaccard", 0.5) for name in ("0", "0.1", "0.5", "chance")),
        row("folds", "model", "jaccard", 0.4),
        *(row("truth", name, "recall", 0.5) for name in ("model", "random", "uniform")),
        *(row("evidence", "model", name, 0.7) for name in ("sufficiency", "necessity")),
        *(
            row(topic, variant, str(k), k / 16)
            for topic in ("sufficiency", "necessity")
            for variant in ("model", "random")
            for k in (1, 16, 2, 4, 8)
        ),
    ]
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table[table["topic"].isin(topics)]


HISTORIES = [pd.DataFrame({"epoch": [1, 2, 3], "overlap": [0.3, np.nan, 0.6]})] * 2


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    """Figures instead of files."""
    figures = []
    for module in (selector_panels, selector_overview):
        monkeypatch.setattr(module, "save_figure", lambda figure, path: figures.append(figure))
    return figures


def dots(panel) -> list[float]:
    return np.ma.filled(panel.collections[1].get_offsets()[:, 0], np.nan).tolist()


def labels(panel) -> list[str]:
    return [label.get_text() for label in panel.get_yticklabels()]


def test_paths_are_drawn_with_their_names_and_values(drawn, tmp_path):
    selector_panels.selector_figure(audit(), HISTORIES, "title", tmp_path / "a.png")
    (figure,) = drawn
    accuracy, _, training, truth, leakage, stability, kept, _ = figure.axes
    assert labels(accuracy) == ["soft", "hard"]
    assert dots(accuracy) == [0.7, 0.8]
    assert [line.get_xdata().tolist() for line in training.lines] == [[1, 3], [1, 3]]
    assert labels(leakage) == ["kept tokens", "itself, gated"]
    assert stability.lines[0].get_xdata().tolist() == [0, 0.1, 0.5]
    assert labels(truth) == ["this selector", "random", "uniform"]
    of_selector = kept.lines[0]
    assert of_selector.get_xdata().tolist() == [1, 2, 4, 8, 16]
    assert of_selector.get_ydata().tolist() == [k / 16 for k in (1, 2, 4, 8, 16)]


def test_panels_without_numbers_say_why(drawn, tmp_path):
    selector_panels.selector_figure(audit(("paths",)), HISTORIES, "title", tmp_path / "a.png")
    words = {text.get_text() for panel in drawn[0].axes for text in panel.texts}
    assert words == {
        "no slide has discarded tokens in every part",
        "no slide leaves a choice",
        "the dataset has no truth masks",
    }


def test_a_selector_without_a_soft_path_says_so(drawn, tmp_path):
    table = audit().query("topic not in ('mass', 'leakage')")
    table = table[~table["variant"].isin(["soft", "soft-hard"])]
    histories = [history.drop(columns="overlap") for history in HISTORIES]
    selector_panels.selector_figure(table, histories, "title", tmp_path / "a.png")
    words = [text.get_text() for panel in drawn[0].axes for text in panel.texts]
    assert words.count("this selector has no soft path") == 2


def test_models_stand_side_by_side_and_missing_numbers_stay_empty(drawn, tmp_path):
    full, bare = audit(), audit(("paths", "mass"))
    table = pd.concat([full.assign(encoder="e", model="a"), bare.assign(encoder="e", model="b")])
    selector_overview.selectors_figure(table, "title", tmp_path / "a.png")
    panels = drawn[0].axes
    assert labels(panels[0]) == ["a", "b"]
    assert dots(panels[0]) == [0.8, 0.8]
    assert dots(panels[1]) == [-0.1, -0.1]
    recalls = dots(panels[-1])
    assert recalls[0] == 0.5
    assert np.isnan(recalls[1])


def test_files_are_written(tmp_path):
    selector_panels.selector_figure(audit(), HISTORIES, "title", tmp_path / "a.png")
    selector_overview.selectors_figure(
        audit().assign(encoder="e", model="a"), "t", tmp_path / "b.png"
    )
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("a.png", "b.png"))
