"""The sheet of a dataset as a table."""

from __future__ import annotations

import pandas as pd

from slidesieve.config.study import Dataset


def sheet_table(dataset: Dataset) -> pd.DataFrame:
    """slide_id, patient_id, label of a dataset's slides."""
    rows = [(slide.slide_id, slide.patient_id, slide.label) for slide in dataset.slides]
    return pd.DataFrame(rows, columns=["slide_id", "patient_id", "label"])
