"""history.csv of a training: how the losses fell, and what the reducer said of itself."""

from __future__ import annotations

import math

import pandas as pd

from slidesieve.errors import SlideSieveError
from slidesieve.nn.part import ModelPart
from slidesieve.vqa.schedule import Course

STEPS_PER_ROW = 50


class History:
    """Collects the losses of steps into rows of 50.

    Columns: stage (from 1), step (the row's last, from 1), loss (mean over the row's steps of
    −log p(answer) per token), added (losses of the reducer), lr (last of the row), and the
    reducer's diagnostics.

    Args:
        rows: Of an interrupted training.

    Attributes:
        rows: All rows so far.
    """

    def __init__(self, rows: list[dict[str, object]]) -> None:
        self.rows = rows
        self._losses: list[tuple[float, float]] = []

    def add(
        self, course: Course, step: int, loss: float, added: float, lr: float, reducer: ModelPart
    ) -> bool:
        """Take note of a step; return whether it ended a row.

        Raises:
            SlideSieveError: The loss is not finite any more.
        """
        self._losses.append((loss, added))
        if not math.isfinite(loss + added):
            raise SlideSieveError(
                f"vqa stage {course.number + 1}: the loss is {loss + added} at step {step + 1}; "
                "lower its lr"
            )
        if (step + 1) % STEPS_PER_ROW and step + 1 < course.steps:
            return False
        means = [sum(values) / len(values) for values in zip(*self._losses, strict=True)]
        self.rows.append(
            {
                "stage": course.number + 1,
                "step": step + 1,
                "loss": means[0],
                "added": means[1],
                "lr": lr,
                **reducer.diagnostics(),
            }
        )
        self._losses = []
        return True

    def table(self) -> pd.DataFrame:
        """Return history.csv."""
        return pd.DataFrame(self.rows)
