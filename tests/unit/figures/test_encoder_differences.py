"""The figure of encoders shows each difference at its own row."""

from __future__ import annotations

import pandas as pd
import pytest

from slidesieve.figures import encoder_differences
from slidesieve.figures.encoder_differences import encoder_differences_plot

ROWS = [
    ("abmil", "uni", "auc_macro_ovr", 0.1),
    ("abmil", "conch", "auc_macro_ovr", -0.2),
    ("dtc", "uni", "auc_macro_ovr", 0.05),
    ("dtc", "conch", "auc_macro_ovr", 0.0),
]


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """The figure as it is handed over to be saved."""
    figures = []
    monkeypatch.setattr(
        encoder_differences, "save_figure", lambda figure, _: figures.append(figure)
    )
    table = pd.DataFrame(ROWS, columns=["model", "encoder_a", "metric", "difference"])
    table = table.assign(encoder_b="first", level="slide", test="bootstrap")
    table["ci_low"], table["ci_high"] = table["difference"] - 0.05, table["difference"] + 0.05
    table = pd.concat([table, table.assign(test="DeLong"), table.assign(metric="auc a")])
    encoder_differences_plot(table, "slide", "Encoders", tmp_path / "x.png")
    return figures[0]


def test_every_model_and_encoder_has_its_row_with_its_difference_and_interval(drawn):
    (panel,) = drawn.axes
    dots, bars = panel.collections[1].get_offsets(), panel.collections[0].get_segments()
    assert dots[:, 0].tolist() == [row[3] for row in ROWS]
    assert [label.get_text() for label in panel.get_yticklabels()] == [
        f"{model} on {encoder}" for model, encoder, *_ in ROWS
    ]
    for dot, bar in zip(dots, bars, strict=True):
        assert bar[:, 0].mean() == pytest.approx(dot[0])
        assert (bar[:, 1] == dot[1]).all()
