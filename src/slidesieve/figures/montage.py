"""The tissue overviews of a cohort on one sheet, to be looked over in a minute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import fill

import cv2
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from slidesieve.figures.overview_file import (
    LEFT_OUT,
    LEGEND,
    length_words,
    read_overview_file,
    round_length_um,
)
from slidesieve.figures.page_layout import axes_at
from slidesieve.figures.style import DPI, PALETTE, house_style, new_figure, save_figure

MOST_SLIDES = 60
_COLUMNS = 6
# Inches that are whole px: pictures are shrunk once, by area, and never again on the page.
_CELL_IN, _GAP_IN, _NAME_IN, _HEAD_IN, _FOOT_IN = 1.6, 0.08, 0.24, 0.4, 0.35
_CELL_PX = round(_CELL_IN * DPI)
_LINE_CHARACTERS = 27


def montage_figure(
    cohort: pd.DataFrame, overviews: Mapping[str, Path], title: str, path: Path
) -> None:
    """Draw the overviews of up to 60 slides: those that are not ok, then an even choice.

    Args:
        cohort: slide_id, status, reason, n_tiles.
        overviews: Overview picture of each slide.
        title: Goes above them.
        path: Where to write, jpg.
    """
    shown = _choose(cohort)
    n_rows = -(-len(shown) // _COLUMNS)
    width = _COLUMNS * (_CELL_IN + _GAP_IN) + _GAP_IN
    line_in = _NAME_IN + _CELL_IN + _GAP_IN
    figure = new_figure(width, _HEAD_IN + n_rows * line_in + _FOOT_IN, layout="none")
    with house_style():
        for number, (_, slide) in enumerate(shown.iterrows()):
            line, column = divmod(number, _COLUMNS)
            left = _GAP_IN + column * (_CELL_IN + _GAP_IN)
            top = _HEAD_IN + line * line_in + _NAME_IN
            axes = axes_at(figure, left, top, _CELL_IN, _CELL_IN)
            _draw_slide(axes, slide, overviews[str(slide["slide_id"])])
        left_out = len(cohort) - len(shown)
        more = f"; {len(shown)} of them shown" if left_out else ""
        words = f"{title}: {_counts(cohort)}{more}"
        _write_frame(figure, words)
        save_figure(figure, path)


def _choose(cohort: pd.DataFrame) -> pd.DataFrame:
    unusable = cohort[cohort["status"] != "ok"].head(MOST_SLIDES // 2)
    usable = cohort[cohort["status"] == "ok"]
    room = min(MOST_SLIDES - len(unusable), len(usable))
    even = np.linspace(0, len(usable) - 1, room).round().astype(int)
    return pd.concat([unusable, usable.iloc[even]])


def _counts(cohort: pd.DataFrame) -> str:
    counts = cohort["status"].value_counts()
    return f"{len(cohort)} slides, " + ", ".join(f"{n} {status}" for status, n in counts.items())


def _draw_slide(axes: Axes, slide: pd.Series, path: Path) -> None:
    """Draw one cell: the picture with a scale bar, or the reason why the slide is not used."""
    axes.set(xlim=(0, _CELL_PX), ylim=(_CELL_PX, 0))
    axes.set_axis_off()
    usable = slide["status"] == "ok"
    words = f"{slide['n_tiles']} tiles" if usable else str(slide["status"])
    colour = "black" if usable else PALETTE[1]
    axes.set_title(f"{slide['slide_id']}: {words}", fontsize=8, color=colour, pad=3)
    picture, um_per_px = read_overview_file(path)
    if slide["status"] != "failed":
        small, scale = _shrunk(picture)
        height, width = small.shape[:2]
        axes.imshow(small, extent=(0, width, height, 0), interpolation="none", aspect="auto")
        if um_per_px is not None:
            _draw_scale_bar(axes, width, height, um_per_px / scale)
    if not usable:
        reason = fill(str(slide["reason"]), _LINE_CHARACTERS)
        box = {"facecolor": "white", "edgecolor": PALETTE[1], "alpha": 0.9, "pad": 4}
        axes.text(8, 10, reason, fontsize=7.5, va="top", bbox=box)


def _shrunk(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], float]:
    """Return a picture that fits a cell, each px the mean of those it covers, and its scale."""
    scale = min(1.0, _CELL_PX / max(picture.shape[:2]))
    size = [max(1, round(side * scale)) for side in picture.shape[1::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), scale


def _draw_scale_bar(axes: Axes, width: int, height: int, um_per_px: float) -> None:
    length_um = round_length_um(width * um_per_px / 3)
    margin, length = 8, length_um / um_per_px
    base = height - margin
    axes.plot([margin, margin + length], [base, base], color="black", linewidth=2)
    axes.text(margin, base - 4, length_words(length_um), fontsize=6.5, va="bottom")


def _write_frame(figure: Figure, title: str) -> None:
    left, tall = _GAP_IN / figure.get_figwidth(), figure.get_figheight()
    figure.suptitle(title, x=left, y=1 - 0.06 / tall, ha="left", va="top", fontweight="bold")
    patches = [
        Patch(
            facecolor="white",
            edgecolor="#" + bytes(colour).hex(),
            label=words,
            hatch="/////" if colour == LEFT_OUT else None,
        )
        for colour, words in LEGEND
    ]
    figure.legend(handles=patches, loc="lower left", bbox_to_anchor=(left, 0.0), ncols=len(patches))
