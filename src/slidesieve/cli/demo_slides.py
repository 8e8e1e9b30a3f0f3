"""`slidesieve demo-slides`: the painted cohort, outside the workflow."""

from __future__ import annotations

import argparse

from slidesieve.synthetic.painter import paint_demo


def run(options: argparse.Namespace) -> int:
    """Paint all slides, their truth masks and the sample sheet into a folder."""
    sheet = paint_demo(options.folder)
    print(f"sample sheet: {sheet}")
    return 0
