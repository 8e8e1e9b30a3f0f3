"""Internal beside external, as a picture and as a page."""

from __future__ import annotations

import cv2
import pandas as pd
import pytest

from slidesieve.figures.external import external_page, external_plot
from slidesieve.statistics.external import COLUMNS


@pytest.fixture
def rows() -> pd.DataFrame:
    cells = [
        (
            *("enc", model, level, metric, 0.9, 0.8, 1.0, 20),
            *(outer, outer - 0.1, outer + 0.1, 30),
            *(outer - 0.9, low, low + 0.2),
        )
        for level in ("slide", "patient")
        for metric in ("accuracy", "log_loss")
        for model, outer, low in (("abmil", 0.85, -0.1), ("mean", 0.4, -0.7))
    ]
    return pd.DataFrame(cells, columns=COLUMNS)


def test_the_picture_has_a_row_per_model(rows, tmp_path):
    one = rows[rows["model"] == "abmil"]
    sizes = []
    for table, name in ((one, "one.png"), (rows, "two.png")):
        external_plot(table, ["accuracy", "log_loss"], "patient", "title", tmp_path / name)
        sizes.append(cv2.imread(str(tmp_path / name)).shape[0])
    assert sizes[0] < sizes[1]


def test_the_page_holds_both_values_and_marks_clear_differences(rows, tmp_path):
    external_page(rows, pd.DataFrame(), "title", tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    assert "n = 20 internal, 30 external" in html
    assert html.count('class="number best"') == 4  # those of the mean, at both levels
    for text in ("0.900", "0.850", "-0.500", "-0.700 to -0.500"):
        assert text in html
