"""Curves of the evidence that a selector ranks first, beside random orders."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from slidesieve.evaluation.tables import POOLED
from slidesieve.figures.style import GREY, colour_of

EVIDENCE_TITLES = {
    "sufficiency": "Are the K best tokens enough\nfor the prediction?",
    "necessity": "Is the prediction lost\nwithout the K best tokens?",
}
_ORDERS = {"model": "this selector", "random": "random order"}


def draw_evidence(panel: Axes, audit: pd.DataFrame, topic: str) -> bool:
    """Draw the mean probability of the class that use predicts against K, with its intervals.

    Args:
        panel: Where to draw.
        audit: audit.csv of the model.
        topic: "sufficiency" or "necessity".

    Returns:
        Whether there was anything to draw.
    """
    rows = audit[(audit["topic"] == topic) & (audit["fold"] == POOLED)]
    panel.set_title(EVIDENCE_TITLES[topic])
    for variant, words in _ORDERS.items():
        own = rows[rows["variant"] == variant]
        own = own.assign(k=own["metric"].astype(int)).sort_values("k")
        color = colour_of(4) if variant == "model" else GREY
        panel.fill_between(
            own["k"], own["ci_low"], own["ci_high"], color=color, alpha=0.2, linewidth=0
        )
        panel.plot(own["k"], own["value"], color=color, marker="o", markersize=3, label=words)
    panel.set_xscale("log", base=2)
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    given = {"sufficiency": "from the K best", "necessity": "without the K best"}[topic]
    panel.set(ylim=(0, 1.02), xlabel="K tokens", ylabel=f"probability {given}")
    panel.grid(axis="y")
    panel.legend(loc="lower right" if topic == "sufficiency" else "lower left")
    return not rows.empty
