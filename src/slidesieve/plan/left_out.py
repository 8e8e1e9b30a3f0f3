"""The end of a run in a few lines: which slides were left out, and what that does to the folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from slidesieve.plan import layout
from slidesieve.store.tables import read_csv

_MOST_REASONS = 3
_PARTS = ("train", "val", "test")


def left_out(dataset: str, classes: Sequence[str], results: Path) -> list[str]:
    """Sentences about a dataset's unusable slides, as far as its tables exist; none if all are ok.

    Args:
        dataset: The dataset.
        classes: Its labels.
        results: Folder of all results.
    """
    path = layout.below(results, layout.COHORT, dataset=dataset)
    if not path.exists():
        return []
    cohort = read_csv(path, required=["slide_id", "status", "reason"])
    unusable = cohort[cohort["status"] != "ok"]
    if unusable.empty:
        return []
    lines = [f"{dataset}: {len(unusable)} of {len(cohort)} slides were left out; see {path}"]
    lines += _reasons(unusable)
    folds = layout.below(results, layout.FOLDS, dataset=dataset)
    if folds.exists():
        usable = set(cohort.loc[cohort["status"] == "ok", "slide_id"])
        lines += _lost_classes(read_csv(folds), usable, classes)
    return lines


def _reasons(unusable: pd.DataFrame) -> Iterator[str]:
    shown = unusable.head(_MOST_REASONS)
    for slide_id, status, reason in zip(
        shown["slide_id"], shown["status"], shown["reason"], strict=True
    ):
        yield f"  {slide_id} ({status}): {reason}"
    if len(unusable) > len(shown):
        yield f"  and {len(unusable) - len(shown)} more"


def _lost_classes(folds: pd.DataFrame, usable: set[str], classes: Sequence[str]) -> Iterator[str]:
    for fold in (name for name in folds.columns if name.startswith("fold_")):
        for part in _PARTS:
            rows = folds[folds[fold] == part]
            had, has = set(rows["label"]), set(rows.loc[rows["slide_id"].isin(usable), "label"])
            for label in classes:
                if label in had - has:
                    number = fold.removeprefix("fold_")
                    yield f"  fold {number}: no usable slide of class {label} is left in {part}"
