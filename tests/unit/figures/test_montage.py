"""The sheet of overviews shows them, and those that need looking at first."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd

from slidesieve.figures.montage import MOST_SLIDES, montage_figure
from slidesieve.figures.overview_file import write_overview_file


def draw(folder, statuses):
    slides = [f"s{number}" for number in range(len(statuses))]
    paths = {}
    for number, slide in enumerate(slides):
        paths[slide] = folder / f"{slide}.jpg"
        colour = (0, 0, 255) if statuses[number] == "empty" else (0, 255, 0)
        cv2.imwrite(str(paths[slide]), np.full((200, 300, 3), colour, np.uint8))
    cohort = pd.DataFrame({"slide_id": slides, "status": statuses, "reason": "why", "n_tiles": 5})
    montage_figure(cohort, paths, "mine", folder / "sheet.jpg")
    return cv2.imread(str(folder / "sheet.jpg")).astype(int)


def share(picture, channel):
    others = [c for c in range(3) if c != channel]
    return ((picture[..., channel] > 200) & (picture[..., others] < 90).all(axis=2)).mean()


def test_every_overview_is_on_the_sheet(tmp_path):
    picture = draw(tmp_path, ["ok"] * 5 + ["empty"])
    assert share(picture, 1) > 0.25
    assert 3 < share(picture, 1) / share(picture, 2) < 7


def test_of_a_large_cohort_the_unusable_come_first(tmp_path):
    picture = draw(tmp_path, ["ok"] * (2 * MOST_SLIDES) + ["empty"])
    half = len(picture) // 2
    assert share(picture[:half], 2) > 0.001
    assert share(picture[half:], 2) < 1e-5


def montage_of_one(folder, name, status, picture):
    write_overview_file(folder / "s.jpg", picture, 0, 2.0)
    row = {"slide_id": ["s"], "status": status, "reason": "no such pyramid", "n_tiles": 1}
    montage_figure(pd.DataFrame(row), {"s": folder / "s.jpg"}, "mine", folder / name)
    return folder / name


def test_a_picture_is_shrunk_once_and_lies_on_whole_pixels(tmp_path):
    # Every other px is dark: four to a px of the sheet, which is an even grey or else moiré.
    stripes = np.full((960, 960, 3), 255, np.uint8)
    stripes[:, ::2] = 0
    page = cv2.imread(str(montage_of_one(tmp_path, "sheet.jpg", "ok", stripes))).astype(int)
    assert np.abs(page[110:300, 30:250] - 127).max() < 16


def test_of_an_unusable_slide_the_reason_can_be_read(tmp_path):
    grey = np.full((100, 100, 3), 200, np.uint8)
    for status in ("failed", "empty"):
        sheet = montage_of_one(tmp_path, "sheet.svg", status, grey).read_text()
        assert ">no such pyramid<" in sheet
        assert f">s: {status}<" in sheet
        assert (">0.05 mm<" in sheet) == (status == "empty")
    assert "no such pyramid" not in montage_of_one(tmp_path, "sheet.svg", "ok", grey).read_text()
