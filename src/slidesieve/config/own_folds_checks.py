"""Every mistake of a user's own folds against the sheet, before any job."""

from __future__ import annotations

from collections.abc import Sequence

from slidesieve.cohort.slides import Slide
from slidesieve.errors import ConfigError
from slidesieve.splits.own_folds import OwnFolds


def own_folds_problems(own: OwnFolds, slides: Sequence[Slide], classes: Sequence[str]) -> list[str]:
    """Return one sentence per mistake: leaks, unknown slides and cells, classes that are missing.

    Args:
        own: The folds as they were read.
        slides: The cohort.
        classes: Its classes.
    """
    # Only studies with folds of their own pay for these imports in each process.
    import pandas as pd

    from slidesieve.splits.folds import check_folds, folds_table

    rows = [(slide.slide_id, slide.patient_id, slide.label) for slide in slides]
    cohort = pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"])
    try:
        check_folds(folds_table(own, cohort), cohort, classes)
    except ConfigError as error:
        return list(error.problems)
    return []
