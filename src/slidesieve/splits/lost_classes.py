"""Classes that quarantine took out of training altogether."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from slidesieve.errors import ContractError
from slidesieve.splits.folds import fold_columns


def refuse_lost_classes(
    folds: pd.DataFrame, usable: Collection[str], classes: Sequence[str]
) -> None:
    """Refuse folds in which no usable training slide shows some class.

    A model of such a fold could never predict the class, and its metrics would say nothing of that.

    Args:
        folds: The folds table.
        usable: Slides that have tokens.
        classes: The dataset's classes.

    Raises:
        ContractError: One line per fold and class, with the slides to mend.
    """
    problems = []
    for name in fold_columns(folds):
        train = folds[folds[name] == "train"]
        has = set(train.loc[train["slide_id"].isin(usable), "label"])
        for label in classes:
            lost = train.loc[train["label"] == label, "slide_id"].tolist()
            if lost and label not in has:
                problems.append(
                    f"{name}: class {label} has no usable training slide left; mend "
                    f"{', '.join(lost)} (cohort.csv says what is wrong), lower folds.k, or give "
                    "your own folds"
                )
    if problems:
        raise ContractError("\n".join(problems))
