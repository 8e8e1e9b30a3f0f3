"""Paints H&E-like slides: the demo cohort, and large slides for benchmarks."""

from slidesieve.synthetic.painter.demo import paint_demo, write_demo_slide
from slidesieve.synthetic.painter.large import paint_large
from slidesieve.synthetic.painter.painting import PaintedSlide, paint
from slidesieve.synthetic.painter.recipes import SlideRecipe, demo_recipes, demo_sheet_rows

__all__ = [
    "PaintedSlide",
    "SlideRecipe",
    "demo_recipes",
    "demo_sheet_rows",
    "paint",
    "paint_demo",
    "paint_large",
    "write_demo_slide",
]
