"""One look for every figure, told apart without colour vision, and the same bytes every time."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from slidesieve.store.atomic import atomic_path

# Okabe and Ito's palette without its yellow, which is lost on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
GREY = "#8C8C8C"
LIGHT_GREY = "#D0D0D0"
# For quantities: even steps in lightness, readable in grey and with any colour vision.
SEQUENTIAL = "viridis"

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
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
# Colour at full size, for thin lines.
_JPEG = {"quality": 85, "subsampling": 0}


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
    options = {"pil_kwargs": _JPEG} if ending == ".jpg" else {"metadata": _METADATA[ending]}
    with mpl.rc_context(_STYLE), atomic_path(path) as partial:
        figure.savefig(partial, dpi=DPI, **options)


def colour_of(index: int) -> str:
    """Return the colour of the i-th class or model; the palette starts anew when it is used up."""
    return PALETTE[index % len(PALETTE)]
