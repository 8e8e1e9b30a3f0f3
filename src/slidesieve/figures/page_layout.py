"""Pictures placed on a page to the inch, and the scale bar that goes with them."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

_BAR_LENGTHS_UM = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)


def axes_at(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at inches from the figure's left and top edges."""
    page_width, page_height = figure.get_size_inches()
    bottom = page_height - top - height
    return figure.add_axes(
        (left / page_width, bottom / page_height, width / page_width, height / page_height)
    )


def show_picture(axes: Axes, picture: NDArray[np.uint8]) -> None:
    """Fill axes with a picture (h, w, 3); data coordinates are its px, counted from its corner."""
    height, width = picture.shape[:2]
    # Pixel edges, not centres, on whole numbers: level-0 x is x / downsample here.
    axes.imshow(picture, extent=(0, width, height, 0), interpolation="antialiased")
    axes.set_axis_off()


def draw_scale_bar(axes: Axes, width: int, height: int, mpp_overview: float) -> None:
    """Draw a bar of a round length, at most a third of the picture, at its lower left.

    Args:
        axes: Holds a picture, see `show_picture`.
        width: Of the picture, px.
        height: Of the picture, px.
        mpp_overview: µm per px of the picture.
    """
    fitting = [um for um in _BAR_LENGTHS_UM if um / mpp_overview <= width / 3]
    length_um = fitting[-1] if fitting else _BAR_LENGTHS_UM[0]
    words = f"{length_um / 1000:g} mm" if length_um >= 1000 else f"{length_um} µm"
    margin = 0.03 * width
    end = margin + length_um / mpp_overview
    base = height - margin
    axes.plot([margin, end], [base, base], color="black", linewidth=3, solid_capstyle="butt")
    middle = (margin + end) / 2
    text = axes.text(middle, base - margin / 2, words, ha="center", va="bottom", fontsize=8)
    text.set_path_effects([withStroke(linewidth=2, foreground="white")])
