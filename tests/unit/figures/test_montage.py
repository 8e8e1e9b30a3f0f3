"""The sheet of overviews shows them, and those that need looking at first."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd

from slidesieve.figures.montage import MOST_SLIDES, montage_figure


def draw(folder, statuses):
    slides = [f"s{number}" for number in range(len(statuses))]
    paths = {}
    for number, slide in enumerate(slides):
        paths[slide] = folder / f"{slide}.jpg"
        colour = (0, 0, 255) if statuses[number] == "failed" else (0, 255, 0)
        cv2.imwrite(str(paths[slide]), np.full((200, 300, 3), colour, np.uint8))
    cohort = pd.DataFrame({"slide_id": slides, "status": statuses, "n_tiles": 5})
    montage_figure(cohort, paths, "mine", folder / "sheet.png")
    return cv2.imread(str(folder / "sheet.png")).astype(int)


def share(picture, channel):
    others = [c for c in range(3) if c != channel]
    return ((picture[..., channel] > 200) & (picture[..., others] < 90).all(axis=2)).mean()


def test_every_overview_is_on_the_sheet(tmp_path):
    picture = draw(tmp_path, ["ok"] * 5 + ["failed"])
    assert share(picture, 1) > 0.25
    assert 3 < share(picture, 1) / share(picture, 2) < 7


def test_of_a_large_cohort_the_unusable_come_first(tmp_path):
    picture = draw(tmp_path, ["ok"] * (2 * MOST_SLIDES) + ["failed"])
    half = len(picture) // 2
    assert share(picture[:half], 2) > 0
    assert share(picture[half:], 2) == 0
