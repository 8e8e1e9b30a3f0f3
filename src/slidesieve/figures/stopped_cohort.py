"""A cohort with too many unusable slides stops the run, and its table and page say why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from slidesieve.cohort.quarantine import refuse_too_many_failed
from slidesieve.errors import SlideError
from slidesieve.figures.table_pages import cohort_page
from slidesieve.store.tables import write_csv


def stop_if_too_many_failed(
    judged: pd.DataFrame,
    cohort: Callable[[], pd.DataFrame],
    max_failed_fraction: float,
    csv: str,
    page: str,
    title: str,
) -> None:
    """Stop as `refuse_too_many_failed` does, after writing the cohort as far as it is known.

    Args:
        judged: slide_id, status and reason; one row per slide.
        cohort: Gives the cohort table; called only if the run stops.
        max_failed_fraction: Largest share (0 to 1) of slides that may be unusable.
        csv: File of the cohort table.
        page: File of its page.
        title: Title of the page.

    Raises:
        SlideError: Names every unusable slide and its reason.
    """
    try:
        refuse_too_many_failed(judged, max_failed_fraction)
    except SlideError:
        table = cohort()
        write_csv(Path(csv), table)
        cohort_page(table, title, Path(page))
        raise
