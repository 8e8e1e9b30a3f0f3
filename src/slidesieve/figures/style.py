"""One look for every figure, told apart without colour vision, and the same bytes every time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from slidesieve.store.atomic import atomic_path

# Okabe and Ito's palette without its yellow, which is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
GREY = "#8C8C8C"
LIGHT_GREY = "#D0D0D0"
# For quantities: even steps in lightness, readable in grey and with any colour vision.
SEQUENTIAL = "viridis"
# For quantities with a middle, which is pale: blue below it, red above.
DIVERGING = "RdBu_r"

_STYLE: dict[Any, object] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#4D4D4D",
    "xtick.color": "#4D4D4D",
    "ytick.color": "#4D4D4D",
    "axes.grid": False,
    "grid.color": "#E6E6E6",
    "legend.frameon": False,
    "svg.hashsalt": "slidesieve",
    "svg.fonttype": "none",
}
Layout = Literal["compressed", "constrained", "tight", "none"]
DPI = 150
# Dates and library versions would make equal pictures differ.
_METADATA: dict[str, dict[str, str | None]] = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
# A report holds dozens of pictures: 4:2:0 takes a third off photographs, 256 colours take two
# thirds off charts, and neither is seen.
_JPEG = {"quality": 64, "subsampling": 2, "optimize": True, "progressive": True}
_CHART_COLOURS = 256
_NO_DITHER = Image.Dither.NONE
# Smoothed edges and bands of a chart have some thousand colours, a photograph has more.
_MOST_COLOURS_OF_CHART = 5000


def new_figure(width_in: float, height_in: float, layout: Layout = "compressed") -> Figure:
    """Return an empty figure in the house style.

    Args:
        width_in: Inches.
        height_in: Inches.
        layout: matplotlib's layout engine; "none" if the axes are placed by hand.
    """
    with mpl.rc_context(_STYLE):
        figure = Figure(
            figsize=(width_in, height_in),
            layout=layout,  # type: ignore[arg-type] # matplotlib's types lack "none"
            facecolor="white",
        )
        FigureCanvasAgg(figure)
        return figure


def house_style() -> AbstractContextManager[None]:
    """Return the context in which axes are to be made and drawn on."""
    return mpl.rc_context(_STYLE)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure atomically; the ending says png, svg, pdf, or jpg for photographs."""
    ending = path.suffix.lower()
    with mpl.rc_context(_STYLE), atomic_path(path) as partial:
        if ending == ".png":
            _save_chart(figure, partial)
        elif ending == ".jpg":
            figure.savefig(partial, dpi=DPI, pil_kwargs=_JPEG)
        else:
            figure.savefig(partial, dpi=DPI, metadata=_METADATA[ending])


def _save_chart(figure: Figure, path: Path) -> None:
    pixels = BytesIO()
    figure.savefig(pixels, dpi=DPI, format="png")
    picture = Image.open(pixels).convert("RGB")
    if picture.getcolors(_MOST_COLOURS_OF_CHART) is not None:
        picture = picture.quantize(_CHART_COLOURS, Image.Quantize.MEDIANCUT, 0, None, _NO_DITHER)
    picture.save(path, format="PNG", optimize=True)


def colour_of(index: int) -> str:
    """Return the colour of the i-th class or model; the palette starts anew when it is used up."""
    return PALETTE[index % len(PALETTE)]
