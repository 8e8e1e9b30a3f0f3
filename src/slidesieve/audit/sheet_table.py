"""The sheet of a dataset as a table."""

from __future__ import annotations

import pandas as pd

from slidesieve.config.study import Dataset


def sheet_table(dataset: Dataset) -> pd.DataFrame:
    """slide_id, patient_id, label, site of a dataset's slides."""
    columns = ["slide_id", "patient_id", "label", "site"]
    rows = [tuple(getattr(slide, name) for name in columns) for slide in dataset.slides]
    return pd.DataFrame(rows, columns=columns)
