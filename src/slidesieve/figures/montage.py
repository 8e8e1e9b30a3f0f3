"""The tissue overviews of a cohort on one sheet, to be looked over in a minute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from slidesieve.figures.style import house_style, new_figure, save_figure

MOST_SLIDES = 60
_COLUMNS = 6
_CELL_IN = 1.9
_CELL_PX = 320


def montage_figure(
    cohort: pd.DataFrame, overviews: Mapping[str, Path], title: str, path: Path
) -> None:
    """Draw the overviews of up to 60 slides: those that are not ok, then an even choice.

    Args:
        cohort: slide_id, status, n_tiles.
        overviews: Overview picture of each slide.
        title: Goes above them.
        path: Where to write, png.
    """
    shown = _choose(cohort)
    n_rows = -(-len(shown) // _COLUMNS)
    figure = new_figure(_COLUMNS * _CELL_IN, n_rows * (_CELL_IN + 0.25) + 0.5, "constrained")
    with house_style():
        grid = list(figure.subplots(n_rows, _COLUMNS, squeeze=False).flat)
        for axes in grid:
            axes.set_axis_off()
        for axes, slide in zip(grid, shown.itertuples(), strict=False):
            axes.imshow(_thumbnail(overviews[str(slide.slide_id)]))
            words = f"{slide.n_tiles!s} tiles" if slide.status == "ok" else str(slide.status)
            axes.set_title(f"{slide.slide_id!s}: {words}", fontsize=7)
        left_out = len(cohort) - len(shown)
        more = f" ({len(shown)} of {len(cohort)} slides)" if left_out else ""
        figure.suptitle(title + more, x=0.01, ha="left", fontweight="bold")
        save_figure(figure, path)


def _choose(cohort: pd.DataFrame) -> pd.DataFrame:
    unusable = cohort[cohort["status"] != "ok"].head(MOST_SLIDES // 2)
    usable = cohort[cohort["status"] == "ok"]
    room = min(MOST_SLIDES - len(unusable), len(usable))
    even = np.linspace(0, len(usable) - 1, room).round().astype(int)
    return pd.concat([unusable, usable.iloc[even]])


def _thumbnail(path: Path) -> NDArray[np.uint8]:
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    scale = min(1.0, _CELL_PX / max(picture.shape[:2]))
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
